//! Overfits a single batch: what can be trained at all can do that.

use edgefit_burn::{Backend, EvalModule, Gradients};
use edgefit_graph::{Graph, trainable_parameters};
use edgefit_guards::module;

use crate::config::recipe::StageRecipe;
use crate::error::Result;
use crate::prepare::source::Source;
use crate::prepare::targets::Targets;
use crate::stages::training::inputs::{Inputs, first_output};
use crate::stages::training::optimizer::optimizer;

/// How a single batch was overfitted.
pub(crate) struct Overfit {
    /// Steps that it took.
    pub steps: usize,
    /// Loss before the first step and after the last.
    pub losses: [f64; 2],
    /// Accuracy on the batch in the end; `None` for regression.
    pub accuracy: Option<f64>,
    /// Global norm of the first and of the last gradient.
    pub gradient_norms: [f64; 2],
}

/// Share of the initial loss at which a batch counts as overfitted.
const OVERFITTED: f64 = 0.01;

/// Steps that it may take.
const STEPS: usize = 200;

/// Trains all weights of `graph` on all samples of `source` at once, at the learning rate of the
/// recipe and without regularisation, until it overfits them or after [`STEPS`].
///
/// # Errors
/// The graph does not run in burn.
pub(crate) fn overfit_single_batch(
    graph: &Graph,
    source: &dyn Source,
    targets: &Targets,
    recipe: &StageRecipe,
    backend: Backend,
) -> Result<Overfit> {
    let device = backend.device()?;
    let names: Vec<&str> = trainable_parameters(graph)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let mut module =
        EvalModule::from_graph(graph, &device)?.into_train(|name| names.contains(&name));
    let mut optimizer = optimizer(
        &StageRecipe {
            weight_decay: 0.0,
            ..recipe.clone()
        },
        &module,
    );
    let inputs = Inputs::of(graph)?;
    let all: Vec<usize> = (0..source.len()).collect();
    let rows = source.rows(&all, 0)?;
    let mut made = Overfit {
        steps: 0,
        losses: [f64::NAN; 2],
        accuracy: None,
        gradient_norms: [0.0; 2],
    };
    for step in 0..=STEPS {
        let values = inputs.of_rows(&rows, all.len(), &device)?;
        let outputs = first_output(module.forward(values)?, targets.outputs)?;
        let values_out = edgefit_burn::Value::from(outputs.clone().inner()).to_vec()?;
        let loss = targets.loss(outputs, &device)? / targets.mass();
        made.losses[1] = f64::from(loss.clone().inner().into_scalar::<f32>());
        made.accuracy = targets.accuracy(&values_out);
        made.steps = step;
        if step == 0 {
            made.losses[0] = made.losses[1];
        }
        let is_right = made.accuracy.is_none_or(|accuracy| accuracy >= 1.0);
        let overfitted = made.losses[1] <= OVERFITTED * made.losses[0] && is_right;
        if step == STEPS || overfitted || !made.losses[1].is_finite() {
            break;
        }
        let gradients = Gradients::of(&loss, &mut module)?;
        let figures = module::gradients(&module, gradients.params());
        let norm = module::global_norm(&figures);
        made.gradient_norms = match step {
            0 => [norm; 2],
            _ => [made.gradient_norms[0], norm],
        };
        module = optimizer.step(recipe.learning_rate, module, gradients.into_params());
    }
    Ok(made)
}
