//! Networks of torchvision and timm, pruned: three engines agree on what is left, and every weight of it can be
//! trained.

use std::collections::BTreeSet;
use std::path::Path;

use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Gradients, Parameter, Value};
use edgefit::graph::{Graph, Tensor, trainable_parameters};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::torch::{networks, noise, noise_file};
use crate::common::{command, onnxruntime, run};

/// Samples of which half are calibrated on, and half compared.
const SAMPLES: usize = 16;

/// What is wrong with the model that is left of `path`, if anything is.
fn problem(path: &Path) -> Option<String> {
    let graph = stirred(Graph::load(path).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let [whole, inputs, made] = ["w.onnx", "x.npz", "p.onnx"].map(|name| folder.path().join(name));
    graph.save(&whole).unwrap();
    noise_file(&graph, SAMPLES, &inputs);
    let mut prune = command();
    prune.arg("prune").arg(whole).arg("--inputs").arg(inputs);
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
    let left = Graph::load(&made).unwrap();
    let (before, after) = (reached(&graph), reached(&left));
    let is_lost = |name: &&String| left.initializers.contains_key(*name) && !after.contains(*name);
    let lost: Vec<&String> = before.iter().filter(is_lost).collect();
    (!lost.is_empty()).then(|| format!("no gradient reaches {lost:?} any more"))
}

/// `graph` with random numbers in the place of weights that are all 0, as timm's last layers are: no gradient goes
/// through those.
fn stirred(mut graph: Graph) -> Graph {
    let weights: Vec<String> = trainable_parameters(&graph)
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for name in weights {
        let tensor = &graph.initializers[&name];
        let values = tensor.to_f32().unwrap();
        if values.iter().all(|value| *value == 0.0) {
            let values = values.iter().map(|_| random.random_range(-0.05f32..0.05));
            let values: Vec<f32> = values.collect();
            let tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
            graph.initializers.insert(name, tensor);
        }
    }
    graph
}

/// The weights that a gradient reaches.
fn reached(graph: &Graph) -> BTreeSet<String> {
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
    let is_reached = |parameter: &Parameter| {
        let gradient = parameter.gradient(gradients.params());
        let values = gradient.map(|gradient| gradient.to_vec().unwrap());
        values.is_some_and(|values| values.iter().any(|value| *value != 0.0))
    };
    let all = module.parameters();
    let reached = all.filter(|(_, parameter)| is_reached(parameter));
    reached.map(|(name, _)| name.to_owned()).collect()
}

#[test]
#[ignore = "takes 25 min: exports 50 networks with PyTorch, which it fetches, and prunes each"]
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
