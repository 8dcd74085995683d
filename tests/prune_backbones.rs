//! Networks of torchvision and timm, pruned: three engines agree on what is left, and every weight of it can be
//! trained.

use std::path::Path;

use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Gradients, Value};
use edgefit::graph::{Graph, trainable_parameters};

use crate::common::torch::{networks, noise, noise_file};
use crate::common::{command, onnxruntime, run};

/// Samples of which half are calibrated on, and half compared.
const SAMPLES: usize = 16;

/// What is wrong with the model that is left of `path`, if anything is.
fn problem(path: &Path) -> Option<String> {
    let graph = Graph::load(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (inputs, made) = (folder.path().join("x.npz"), folder.path().join("p.onnx"));
    noise_file(&graph, SAMPLES, &inputs);
    let mut prune = command();
    prune.arg("prune").arg(path).arg("--inputs").arg(inputs);
    prune.arg("-o").arg(&made);
    let ran = run(prune.args(["--keep", "0.75", "--calibration", "8"]));
    if ran.code != 0 {
        return Some(ran.stderr);
    }
    let mut verify = command();
    let verified = run(verify.arg("verify").arg(&made).args(["--samples", "2"]));
    if verified.code != 0 {
        return Some(verified.stdout);
    }
    let lost = without_gradient(&Graph::load(&made).unwrap());
    // Some weights of a network change nothing from the start.
    (lost > without_gradient(&graph)).then(|| format!("no gradient reaches {lost} weights"))
}

/// How many weights no gradient reaches.
fn without_gradient(graph: &Graph) -> usize {
    let device = Device::flex();
    let weights = trainable_parameters(graph);
    let trained = |name: &str| weights.iter().any(|(_, weight)| *weight == name);
    let module = EvalModule::from_graph(graph, &device).unwrap();
    let mut module = module.into_train(trained);
    let (_, input) = noise(graph, 2, 1);
    let input = Value::new(input.values, &input.dims, &device).unwrap();
    let output = module.forward(vec![input]).unwrap().remove(0);
    let output: edgefit::burn::burn::tensor::Tensor<2> = output.try_into().unwrap();
    let gradients = Gradients::of(&output.powi_scalar(2).sum(), &mut module).unwrap();
    let reached = |name: &str| {
        // What shapes are made of is no parameter of the module.
        let gradient = module
            .parameters()
            .find(|(own, _)| *own == name)
            .and_then(|(_, parameter)| parameter.gradient(gradients.params()));
        let values = gradient.map(|gradient| gradient.to_vec().unwrap());
        values.is_some_and(|values| values.iter().any(|value| *value != 0.0))
    };
    weights.iter().filter(|(_, name)| !reached(name)).count()
}

#[test]
#[ignore = "takes hours: exports 50 networks with PyTorch, which it fetches, and prunes each"]
fn nine_of_ten_networks_lose_a_quarter_of_their_channels_and_stay_valid() {
    onnxruntime();
    let networks = networks();
    let problem = |path: &Path| {
        let problem = problem(path);
        println!(
            "{}: {}",
            path.display(),
            problem.as_deref().unwrap_or("valid")
        );
        Some(format!("{}: {}", path.display(), problem?))
    };
    let problems: Vec<String> = networks.iter().filter_map(|path| problem(path)).collect();
    assert!(10 * problems.len() <= networks.len(), "{problems:#?}");
}
