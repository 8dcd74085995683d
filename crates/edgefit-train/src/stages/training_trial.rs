//! Does a graph train at all? One step of all its weights on one batch.

use edgefit_burn::burn::optim::{GradientsParams, SgdConfig};
use edgefit_burn::burn::tensor::{Device, Tensor, activation::log_softmax};
use edgefit_burn::{EvalModule, TrainModule, Value};
use edgefit_engine::Array;
use edgefit_graph::Graph;

use crate::error::{Error, Result};

/// What a step of gradient descent on every weight did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Loss on the batch before the step.
    pub before: f32,
    /// Loss on the same batch after it.
    pub after: f32,
    /// Number of trained tensors.
    pub parameters: usize,
}

/// Trains every weight of `graph` for one step on the batch `inputs` and puts the weights back.
///
/// The loss is the cross-entropy of the first output, samples × classes, against the classes 0, 1,
/// 2 and so on. The learning rate is such that the loss falls by about a hundredth of itself, if it
/// is nearly linear that far.
///
/// # Errors
/// The graph does not run in burn, or no gradient or one that is not finite reaches a weight; the
/// error names it.
pub fn training_trial(graph: &mut Graph, inputs: &[Array]) -> Result<Trial> {
    let device = Device::flex();
    let mut module = EvalModule::from_graph(graph, &device)?.into_train(|_| true);
    if module.parameters().next().is_none() {
        return Err(Error::Stopped("the graph has no weights to train".into()));
    }
    let loss = loss(&mut module, inputs, &device)?;
    let before: f32 = loss.clone().into_scalar();
    let gradients = GradientsParams::from_grads(loss.backward(), &module);
    let mut squares = 0f64;
    for (name, parameter) in module.parameters() {
        let gradient = parameter
            .gradient(&gradients)
            .ok_or_else(|| Error::Stopped(format!("no gradient reaches the weight '{name}'")))?;
        let values = gradient.to_vec()?.into_iter();
        let own: f64 = values.map(|value| f64::from(value).powi(2)).sum();
        if !own.is_finite() {
            let problem = format!("the gradient of the weight '{name}' is not finite");
            return Err(Error::Stopped(problem));
        }
        squares += own;
    }
    let parameters = module.parameters().count();
    let rate = f64::from(before) * 1e-2 / squares.max(f64::MIN_POSITIVE);
    let mut module = SgdConfig::new().init().step(rate, module, gradients);
    let after = self::loss(&mut module, inputs, &device)?.into_scalar();
    module.to_eval().write_into(graph)?;
    Ok(Trial {
        before,
        after,
        parameters,
    })
}

fn loss(module: &mut TrainModule, inputs: &[Array], device: &Device) -> Result<Tensor<1>> {
    let values = inputs
        .iter()
        .map(|input| Value::new(input.values.clone(), &input.dims, device))
        .collect::<Result<_, String>>();
    let outputs = module.forward(values.map_err(Error::Stopped)?)?;
    let Some(Value::Floats(logits)) = outputs.into_iter().next() else {
        return Err(Error::Stopped(
            "the first output is not of a float type".into(),
        ));
    };
    let dims = logits.dims();
    let (samples, classes) = (dims[0], dims[1..].iter().product::<usize>());
    let matrix = |floats: Result<Value, String>| floats.and_then(Tensor::<2>::try_from);
    let logits = matrix(logits.reshape(&[samples, classes]).map(Value::Floats));
    let chosen: Vec<f32> = (0..samples * classes)
        .map(|at| f32::from(u8::from(at % classes == at / classes % classes)))
        .collect();
    let chosen = matrix(Value::new(chosen, &[samples, classes], device));
    let log = log_softmax(logits.map_err(Error::Stopped)?, 1);
    Ok((log * chosen.map_err(Error::Stopped)?).sum().neg() / samples as f64)
}
