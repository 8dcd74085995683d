//! Does a backbone of yours load, agree, train and go out again?
//!
//! For each ONNX file: compares burn in eval mode with ONNX Runtime (or tract, where its library is
//! missing) on random inputs of one sample and of three, trains every weight for one step on those
//! three, checks that the loss falls, writes the graph, and compares again.
//!
//!     cargo run --release --example any_backbone -- model.onnx …

use std::process::ExitCode;

use anyhow::{Context, ensure};
use edgefit::assets::Cache;
use edgefit::burn::burn::optim::{GradientsParams, SgdConfig};
use edgefit::burn::burn::tensor::{Device, Tensor};
use edgefit::burn::{EvalModule, Parameter, TrainModule, Value};
use edgefit::engine::{Array, EngineName, fastest, onnxruntime, parity};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> ExitCode {
    // Without the library tract takes its place.
    if let Ok(cache) = Cache::of_user() {
        drop(onnxruntime::discover(None, &cache.onnxruntime_folder()));
    }
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        match try_out(&path) {
            Ok(line) => println!("ok    {path}: {line}"),
            Err(error) => {
                println!("FAIL  {path}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn try_out(path: &str) -> anyhow::Result<String> {
    let mut graph = Graph::load(path)?;
    let mut apart = 0f32;
    for batch in [1, 3] {
        apart = apart.max(agree(&graph, batch).context("before training")?);
    }
    let (before, after, parameters) = train_a_step(&mut graph)?;
    let file = tempfile::NamedTempFile::with_suffix(".onnx")?;
    graph.save(file.path())?;
    let again = Graph::load(file.path())?;
    for batch in [1, 3] {
        apart = apart.max(agree(&again, batch).context("after training")?);
    }
    ensure!(after < before, "the loss went from {before} to {after}");
    Ok(format!(
        "{parameters} parameters, largest difference {apart:.1e}, loss {before:.4} → {after:.4}"
    ))
}

/// Random inputs for `batch` samples.
fn inputs(graph: &Graph, batch: usize) -> anyhow::Result<Vec<Array>> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let shapes = InputShapes::bind(graph, batch, None)?;
    Ok(shapes
        .0
        .into_iter()
        .map(|(_, dims)| Array {
            values: (0..dims.iter().product::<usize>())
                .map(|_| random.random_range(-1.0..1.0))
                .collect(),
            dims,
        })
        .collect())
}

/// Largest difference between burn and the reference.
fn agree(graph: &Graph, batch: usize) -> anyhow::Result<f32> {
    let engines = [EngineName::Burn, fastest()];
    let pairs = parity::across(
        graph,
        &engines,
        &inputs(graph, batch)?,
        2,
        parity::Tolerance::F32,
    )?;
    let mut largest = 0f32;
    for pair in pairs {
        ensure!(
            pair.within,
            "{} and {} differ by {} on a batch of {batch}",
            pair.a,
            pair.b,
            pair.max_abs
        );
        largest = largest.max(pair.max_abs);
    }
    Ok(largest)
}

/// One step of gradient descent on every weight: the loss before and after, and how many weights.
fn train_a_step(graph: &mut Graph) -> anyhow::Result<(f32, f32, usize)> {
    let device = Device::flex();
    let inputs = inputs(graph, 3)?;
    let mut module = EvalModule::from_graph(graph, &device)?.into_train(|_| true);
    let loss = loss(&mut module, &inputs, &device)?;
    let before: f32 = loss.clone().into_scalar();
    let gradients = GradientsParams::from_grads(loss.backward(), &module);
    let mut squares = 0f64;
    for (name, parameter) in module.parameters() {
        let gradient = gradient(&gradients, parameter)
            .with_context(|| format!("no gradient reaches '{name}'"))?;
        ensure!(
            gradient.iter().all(|value| value.is_finite()),
            "the gradient of '{name}' is not finite"
        );
        squares += gradient
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>();
    }
    let parameters = module.parameters().count();
    // Descent by a small part of the loss, whatever the scale of the weights.
    let rate = f64::from(before) * 1e-2 / squares.max(1e-12);
    let mut module = SgdConfig::new().init().step(rate, module, gradients);
    let after = self::loss(&mut module, &inputs, &device)?.into_scalar();
    module.to_eval().write_into(graph)?;
    Ok((before, after, parameters))
}

/// Cross-entropy of the first output against the classes 0, 1 and 2.
fn loss(module: &mut TrainModule, inputs: &[Array], device: &Device) -> anyhow::Result<Tensor<1>> {
    let values = inputs
        .iter()
        .map(|input| Value::new(input.values.clone(), &input.dims, device))
        .collect::<Result<_, _>>()
        .map_err(anyhow::Error::msg)?;
    let outputs = module.forward(values)?;
    let logits = outputs
        .into_iter()
        .next()
        .context("the graph has no output")?;
    let dims = logits.dims();
    let classes = dims.iter().skip(1).product::<usize>();
    let Value::Floats(logits) = logits else {
        anyhow::bail!("the first output is not of a float type");
    };
    let logits: Tensor<2> = logits
        .reshape(&[dims[0], classes])
        .and_then(TryInto::try_into)
        .map_err(anyhow::Error::msg)?;
    let chosen: Vec<f32> = (0..dims[0] * classes)
        .map(|at| f32::from(u8::from(at % classes == at / classes % classes)))
        .collect();
    let chosen: Tensor<2> = Value::new(chosen, &[dims[0], classes], device)
        .and_then(TryInto::try_into)
        .map_err(anyhow::Error::msg)?;
    let log = edgefit::burn::burn::tensor::activation::log_softmax(logits, 1);
    Ok((log * chosen).sum().neg() / dims[0] as f64)
}

fn gradient(gradients: &GradientsParams, parameter: &Parameter) -> Option<Vec<f32>> {
    let data = match parameter {
        Parameter::R1(param) => gradients.get::<1>(param.id)?.into_data(),
        Parameter::R2(param) => gradients.get::<2>(param.id)?.into_data(),
        Parameter::R3(param) => gradients.get::<3>(param.id)?.into_data(),
        Parameter::R4(param) => gradients.get::<4>(param.id)?.into_data(),
        Parameter::R5(param) => gradients.get::<5>(param.id)?.into_data(),
        Parameter::R6(param) => gradients.get::<6>(param.id)?.into_data(),
        Parameter::R7(param) => gradients.get::<7>(param.id)?.into_data(),
        Parameter::R8(param) => gradients.get::<8>(param.id)?.into_data(),
    };
    data.try_into_vec().ok()
}
