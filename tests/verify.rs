//! `edgefit verify`: what it finds, what it does not, and what it says of what cannot be compared.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::networks::{resnet18, transformer, vision_transformer};
use common::plants::PLANTS;
use common::{
    assert_fields, assert_refused, backbone, command, onnxruntime, run, some_photographs,
};
use edgefit::data::{NamedArray, npz};
use edgefit::graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo, ValueType};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

fn verify(model: &Path) -> Command {
    let mut verify = command();
    verify.arg("verify").arg(model).arg("--json");
    verify
}

fn document(verify: &mut Command, code: i32) -> Value {
    let ran = run(verify);
    assert_eq!(ran.code, code, "{ran:?}");
    ran.json("edgefit.verify/1")
}

/// Files of one test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        onnxruntime();
        Files(tempfile::tempdir().unwrap())
    }

    fn save(&self, name: &str, graph: &Graph) -> PathBuf {
        let path = self.0.path().join(name);
        graph.save(&path).unwrap();
        path
    }
}

/// x of shape (n, 4) through `nodes` to y.
fn small(nodes: Vec<Node>, constants: &[(&str, Tensor)]) -> Graph {
    let mut graph = Graph::new("small", 17);
    let dims = || vec![Dim::Symbol("n".into()), Dim::Known(4)];
    graph.inputs.push(ValueInfo::f32("x", dims()));
    graph.outputs.push(ValueInfo::f32("y", dims()));
    for (name, tensor) in constants {
        graph.initializers.insert((*name).into(), tensor.clone());
    }
    graph.nodes = nodes;
    graph.check().unwrap();
    graph
}

/// The networks that mistakes are planted in. ResNet18's pooling is a mean, as in ResNet-D, so that
/// there is one.
fn hosts() -> [(&'static str, Graph); 3] {
    let mut resnet = resnet18();
    for node in &mut resnet.nodes {
        if node.op == "MaxPool" {
            node.op = "AveragePool".into();
        }
    }
    [
        ("EfficientNet-Lite0", Graph::load(backbone()).unwrap()),
        ("ResNet18", resnet),
        ("transformer", vision_transformer(4)),
    ]
}

#[test]
fn a_planted_mistake_is_named_whatever_it_is_and_wherever() {
    let files = Files::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (host, graph) in hosts() {
        let original = files.save("original.onnx", &graph);
        for (number, plant) in PLANTS.iter().enumerate() {
            let mut random = ChaCha8Rng::seed_from_u64(number as u64);
            let Some((changed, node)) = plant.at_random(&graph, &mut random) else {
                continue;
            };
            let changed = files.save("changed.onnx", &changed);
            let mut verify = verify(&changed);
            verify.arg("--against").arg(&original);
            let found = document(verify.args(["--engine", "onnxruntime"]), 1);
            let what = format!("{host}, {} at {node}", plant.name);
            assert_eq!(found["verdict"], "diverge", "{what}");
            let first = &found["first_divergence"];
            assert_eq!(first["node"], node.as_str(), "{what}: {first}");
            assert!(first["cause"].is_string(), "{what}: {first}");
            *kinds.entry(plant.name).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), PLANTS.len(), "{kinds:?}");
    assert!(kinds.values().sum::<usize>() >= 30, "{kinds:?}");
}

#[test]
fn normalisation_left_in_training_mode_is_named_with_and_without_the_original() {
    let files = Files::new();
    for (host, graph) in &hosts()[..2] {
        let original = files.save("original.onnx", graph);
        let mut changed = graph.clone();
        let norms = changed.nodes.iter_mut();
        let mut norms = norms.filter(|node| node.op == "BatchNormalization");
        let norm = norms.nth(7).unwrap();
        norm.attributes
            .insert("training_mode".into(), Attribute::Int(1));
        let name = norm.label().to_owned();
        let changed = files.save("changed.onnx", &changed);

        let found = document(&mut verify(&changed), 1);
        let faults = found["faults"].as_array().unwrap();
        assert_eq!(
            faults[0]["kind"], "training_normalization",
            "{host}: {found}"
        );
        assert_eq!(faults[0]["node"], name.as_str(), "{host}");

        let mut against = verify(&changed);
        against.arg("--against").arg(&original);
        let found = document(against.args(["--engine", "burn"]), 1);
        assert_eq!(
            found["first_divergence"]["node"],
            name.as_str(),
            "{host}: {found}"
        );
    }
}

#[test]
fn clean_networks_agree() {
    let files = Files::new();
    let mut networks: Vec<(String, Graph)> = hosts()
        .into_iter()
        .map(|(name, graph)| (name.to_owned(), graph))
        .collect();
    networks.push(("token transformer".into(), transformer()));
    for (name, graph) in networks {
        let model = files.save("clean.onnx", &graph);
        let found = document(&mut verify(&model), 0);
        assert_eq!(found["verdict"], "agree", "{name}: {found}");
        assert_eq!(found["pairs"].as_array().unwrap().len(), 3, "{name}");
        assert_eq!(found["faults"], serde_json::json!([]), "{name}");
        assert!(found["first_divergence"].is_null(), "{name}");
        let inputs: Vec<&str> = found["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| case["input"].as_str().unwrap())
            .collect();
        for kind in [
            "random",
            "one sample",
            "zeros",
            "ones",
            "extremes",
            "denormals",
        ] {
            assert!(inputs.contains(&kind), "{name}: {inputs:?}");
        }
        // And a copy of it agrees to the last bit.
        let copy = files.save("copy.onnx", &graph);
        let same = document(verify(&model).arg("--against").arg(copy), 0);
        for pair in same["pairs"].as_array().unwrap() {
            assert_eq!(pair["max_abs"], 0.0, "{name}: {pair}");
        }
    }
}

#[test]
fn what_diverges_is_cut_out_and_diverges_alone() {
    let files = Files::new();
    let graph = vision_transformer(3);
    let original = files.save("original.onnx", &graph);
    let plant = &PLANTS[0];
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (changed, node) = plant.at_random(&graph, &mut random).unwrap();
    let changed = files.save("changed.onnx", &changed);
    let out = files.0.path().join("out.onnx");
    let mut reduce = verify(&changed);
    reduce
        .arg("--against")
        .arg(&original)
        .arg("--reduce")
        .arg(&out);
    let found = document(&mut reduce, 1);
    let path = |field: &str| PathBuf::from(found["reduced"][field].as_str().unwrap());
    let part = Graph::load(path("model")).unwrap();
    assert_eq!(part.nodes.len(), 1);
    assert_eq!(part.nodes[0].label(), node);

    let mut again = verify(&path("model"));
    again.arg("--against").arg(path("against"));
    again.arg("--inputs").arg(path("inputs"));
    let again = document(&mut again, 1);
    assert_eq!(again["first_divergence"]["node"], node.as_str());
    let given = &again["cases"][0];
    assert_eq!(
        (&given["input"], &given["within"]),
        (&"given".into(), &false.into())
    );
    assert_fields(
        &again,
        &[
            "first_divergence.op",
            "first_divergence.value",
            "first_divergence.difference.max_abs",
            "first_divergence.difference.worst",
            "first_divergence.alone.within",
            "first_divergence.inputs.0.mean",
            "pairs.0.mean_abs",
            "pairs.0.nan",
            "pairs.0.worst",
        ],
    );
}

#[test]
fn a_known_difference_of_the_engines_is_explained_and_still_fails() {
    let files = Files::new();
    let mut graph = Graph::new("resize", 13);
    let dims = [1, 10, 20].map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("n".into())).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    graph.outputs.push(ValueInfo::float("y"));
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.25, 2.43]);
    graph.initializers.insert("scales".into(), scales);
    graph.nodes = vec![
        Node::new("Tanh", "before", &["x"], &["t"]),
        Node::new("Resize", "larger", &["t", "", "scales"], &["r"])
            .with("mode", Attribute::from("linear"))
            .with(
                "coordinate_transformation_mode",
                Attribute::from("align_corners"),
            ),
        Node::new("Tanh", "behind", &["r"], &["y"]),
    ];
    let model = files.save("resize.onnx", &graph);
    let out = files.0.path().join("out.onnx");
    let found = document(verify(&model).arg("--reduce").arg(&out), 1);
    let first = &found["first_divergence"];
    assert_eq!(first["node"], "larger", "{found}");
    assert_eq!(first["alone"]["within"], false, "{first}");
    assert!(
        first["cause"].as_str().unwrap().contains("align_corners"),
        "{first}"
    );
    let mut again = verify(&out);
    let again = document(again.arg("--inputs").arg(out.with_extension("npz")), 1);
    assert_eq!(again["first_divergence"]["node"], "larger");
}

#[test]
fn live_dropout_random_numbers_and_the_batch_are_found() {
    let files = Files::new();
    let on = Tensor::from_i64(DataType::Bool, vec![], &[1]).unwrap();
    let ratio = Tensor::from_values(vec![], &[0.5f32]);
    let dropout = small(
        vec![
            Node::new("Tanh", "before", &["x"], &["t"]),
            Node::new("Dropout", "drop", &["t", "ratio", "on"], &["d"]),
            Node::new("Tanh", "behind", &["d"], &["y"]),
        ],
        &[("ratio", ratio), ("on", on)],
    );
    let found = document(&mut verify(&files.save("dropout.onnx", &dropout)), 1);
    assert_eq!(found["faults"][0]["node"], "drop", "{found}");
    assert_eq!(found["faults"][0]["kind"], "live_dropout");

    let random = small(
        vec![
            Node::new("RandomNormalLike", "noise", &["x"], &["n"]),
            Node::new("Add", "noisy", &["x", "n"], &["y"]),
        ],
        &[],
    );
    // Only ONNX Runtime draws them.
    let found = document(&mut verify(&files.save("random.onnx", &random)), 1);
    assert_eq!(found["faults"][0]["node"], "noise", "{found}");
    assert_eq!(found["faults"][0]["kind"], "random");

    let batch = small(
        vec![
            Node::new("Tanh", "before", &["x"], &["t"]),
            Node::new("ReduceMean", "mean", &["t"], &["m"]).with("axes", Attribute::Ints(vec![0])),
            Node::new("Sub", "centre", &["t", "m"], &["y"]),
        ],
        &[],
    );
    let found = document(&mut verify(&files.save("batch.onnx", &batch)), 1);
    assert_eq!(found["faults"][0]["node"], "mean", "{found}");
    assert_eq!(found["faults"][0]["kind"], "depends_on_batch");
}

#[test]
fn an_engine_that_cannot_load_the_model_does_not_end_the_others() {
    let files = Files::new();
    // tract has no Pad of this mode.
    let pads = Tensor::from_values(vec![4], &[0i64, 1, 0, 1]);
    let mut graph = small(
        vec![
            Node::new("Pad", "round", &["x", "pads"], &["p"]).with("mode", Attribute::from("wrap")),
            Node::new("Tanh", "behind", &["p"], &["y"]),
        ],
        &[("pads", pads)],
    );
    graph.opsets.insert(String::new(), 19);
    graph.outputs[0] = ValueInfo::float("y");
    let model = files.save("wrap.onnx", &graph);
    let ran = run(command().arg("verify").arg(&model));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("FAILED: tract"), "{ran:?}");
    assert!(ran.stdout.contains("burn – onnxruntime"), "{ran:?}");
    let found = document(&mut verify(&model), 1);
    assert_eq!(found["engines"][1]["status"], "failed", "{found}");
    assert_eq!(found["pairs"].as_array().unwrap().len(), 1);
}

/// A library that aborts as soon as it is loaded.
fn broken_library(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("broken.c"), folder.join("libonnxruntime.so"));
    let text = "#include <stdlib.h>\n__attribute__((constructor)) void go(void) { abort(); }\n";
    fs::write(&source, text).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    assert!(compiler.arg(&source).status().unwrap().success());
    library
}

#[test]
fn an_engine_that_crashes_is_a_result() {
    let files = Files::new();
    let tanh = vec![Node::new("Tanh", "only", &["x"], &["y"])];
    let model = files.save("tanh.onnx", &small(tanh, &[]));
    let mut crashing = verify(&model);
    crashing.env("ORT_DYLIB_PATH", broken_library(files.0.path()));
    let found = document(&mut crashing, 1);
    assert_eq!(found["engines"][2]["status"], "crashed", "{found}");
    let problem = found["engines"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("SIGABRT"), "{problem}");
    assert_eq!(found["pairs"][0]["within"], true, "{found}");
}

#[test]
fn integer_inputs_go_in() {
    let files = Files::new();
    let mut graph = Graph::new("tokens", 17);
    let mut ids = ValueInfo::f32("ids", Vec::new());
    ids.ty = ValueType::Tensor {
        dtype: DataType::I64,
        dims: Some(vec![Dim::Symbol("n".into()), Dim::Known(6)]),
    };
    graph.inputs.push(ids);
    graph.outputs.push(ValueInfo::float("y"));
    let table: Vec<f32> = (0..50 * 8)
        .map(|index| (index as f32 * 0.7).sin())
        .collect();
    let table = Tensor::from_values(vec![50, 8], &table);
    graph.initializers.insert("table".into(), table);
    graph.nodes = vec![
        Node::new("Gather", "embed", &["table", "ids"], &["e"]),
        Node::new("ReduceMean", "mean", &["e"], &["y"]).with("axes", Attribute::Ints(vec![1])),
    ];
    let model = files.save("tokens.onnx", &graph);
    let found = document(&mut verify(&model), 0);
    assert_eq!(found["pairs"].as_array().unwrap().len(), 3, "{found}");
}

fn given(files: &Files, arrays: &[NamedArray]) -> PathBuf {
    let path = files.0.path().join("given.npz");
    fs::write(&path, npz(arrays).unwrap()).unwrap();
    path
}

#[test]
fn arrays_that_do_not_fit_and_odd_tolerances_are_refused() {
    let files = Files::new();
    let tanh = vec![Node::new("Tanh", "only", &["x"], &["y"])];
    let model = files.save("tanh.onnx", &small(tanh, &[]));
    let array = |name: &str, dims: &[usize], value: f32| NamedArray {
        name: name.into(),
        dims: dims.to_vec(),
        values: vec![value; dims.iter().product()],
    };
    let with = |arrays: &[NamedArray]| {
        let mut verify = verify(&model);
        verify.arg("--inputs").arg(given(&files, arrays));
        run(&mut verify)
    };
    assert_eq!(with(&[array("x", &[3, 4], 0.5)]).code, 0);
    assert_refused(
        &with(&[array("x", &[3, 5], 0.5)]),
        &["given.npz", "[3, 5]", "(n, 4)"],
    );
    assert_refused(
        &with(&[array("x", &[3, 4], f32::NAN)]),
        &["'x'", "12 values", "NaN"],
    );
    assert_refused(&with(&[array("z", &[3, 4], 0.5)]), &["'x'", "only z"]);
    let refused = |arguments: &[&str], words: &[&str]| {
        assert_refused(&run(verify(&model).args(arguments)), words);
    };
    refused(&["--tolerance", "z=1e-4,1e-3"], &["'z'", "outputs are y"]);
    refused(&["--against", "absent.onnx"], &["absent.onnx"]);
    refused(&["--data", "absent"], &["--data absent"]);
    for bad in [
        ["--samples", "0"],
        ["--tolerance", "1e-4"],
        ["--tolerance", "-1,0"],
    ] {
        assert_eq!(run(verify(&model).args(bad)).code, 2, "{bad:?}");
    }
    let folder = files.0.path().to_str().unwrap();
    refused(&["--against", folder], &["report.json", "edgefit train"]);
}

#[test]
fn a_tolerance_of_ones_own_decides() {
    let files = Files::new();
    let scale = |value: f32| {
        let scale = Tensor::from_values(vec![1], &[value]);
        small(
            vec![Node::new("Mul", "scale", &["x", "s"], &["y"])],
            &[("s", scale)],
        )
    };
    let (a, b) = (
        files.save("a.onnx", &scale(1.0)),
        files.save("b.onnx", &scale(1.02)),
    );
    let with = |tolerance: &[&str]| {
        let mut verify = verify(&a);
        run(verify.arg("--against").arg(&b).args(tolerance)).code
    };
    assert_eq!(with(&[]), 1);
    assert_eq!(with(&["--tolerance", "0,0.05"]), 0);
    assert_eq!(with(&["--tolerance", "y=0,0.05"]), 0);
    assert_eq!(
        with(&["--tolerance", "0,0.05", "--tolerance", "y=0,0.001"]),
        1
    );
}

#[test]
fn the_exported_file_alone_reproduces_the_test_accuracy_of_its_run() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "mammal"], 20);
    let folder = tempfile::tempdir().unwrap();
    let run_folder = folder.path().join("run");
    let mut train = command();
    train
        .arg("train")
        .arg(data.path())
        .arg("--backbone")
        .arg(backbone());
    train
        .args(["--device", "raspberry-pi-4b", "--json", "-o"])
        .arg(&run_folder);
    let report = run(&mut train).json("edgefit.train/1");
    let model = run_folder.join("model.onnx");
    let splits = run_folder.join("splits.json");

    let mut test = verify(&model);
    test.arg("--data")
        .arg(data.path())
        .arg("--split")
        .arg(&splits);
    let found = document(&mut test, 0);
    let samples = report["test"]["samples"].as_u64().unwrap();
    let accuracies = found["accuracy"].as_array().unwrap();
    assert_eq!(accuracies.len(), 3);
    for accuracy in accuracies {
        assert_eq!(
            accuracy["accuracy"], report["test"]["accuracy"],
            "{accuracy}"
        );
        assert_eq!(accuracy["samples"], samples, "{accuracy}");
    }
    // All images without the split, and the run itself is the model.
    let mut all = verify(&model);
    all.arg("--data")
        .arg(data.path())
        .arg("--against")
        .arg(&run_folder);
    let found = document(all.args(["--engine", "onnxruntime"]), 0);
    assert_eq!(found["accuracy"][0]["samples"], 60, "{found}");
    assert_eq!(found["pairs"][0]["max_abs"], 0.0);

    // A changed export is not the run's model, and a folder that is not the run's is none.
    let mut graph = Graph::load(&model).unwrap();
    let layer = graph.nodes.iter().rfind(|node| node.op == "Gemm").unwrap();
    let (name, label) = (layer.inputs[1].clone(), layer.label().to_owned());
    let weight = &graph.initializers[&name];
    let changed: Vec<f32> = weight
        .to_f32()
        .unwrap()
        .iter()
        .map(|value| value * 1.5)
        .collect();
    let changed = Tensor::from_values(weight.dims().to_vec(), &changed);
    graph.initializers.insert(name, changed);
    let other = folder.path().join("other.onnx");
    graph.save(&other).unwrap();
    let mut against = verify(&other);
    let found = document(
        against
            .arg("--against")
            .arg(&run_folder)
            .args(["--engine", "tract"]),
        1,
    );
    assert_eq!(found["first_divergence"]["node"], label.as_str());
    let fewer = some_photographs(&["bird", "flower", "mammal"], 2);
    let mut test = verify(&model);
    test.arg("--data")
        .arg(fewer.path())
        .arg("--split")
        .arg(&splits);
    assert_refused(&run(&mut test), &["has no", "splits.json", "trained on"]);
    graph.save(&model).unwrap();
    let mut against = verify(&other);
    assert_refused(
        &run(against.arg("--against").arg(&run_folder)),
        &["model.onnx", "SHA-256"],
    );
}
