//! `edgefit verify`: what agrees, what it takes, and what it refuses.

mod engines;
mod exported;
mod faults;
mod names;
mod planted;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::data::{NamedArray, npz};
use edgefit::graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo, ValueType};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::networks::{first_blocks, resnet18, transformer, vision_transformer};
use crate::common::{assert_refused, backbone, command, onnxruntime, resize, run, small_backbone};

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

/// The networks that mistakes are planted in.
type Hosts = [(&'static str, Graph); 3];

/// ResNet18 whose pooling is a mean, as in ResNet-D, so that there is one.
fn resnet_with_mean() -> Graph {
    let mut resnet = resnet18();
    for node in &mut resnet.nodes {
        if node.op == "MaxPool" {
            node.op = "AveragePool".into();
        }
    }
    resnet
}

/// A few layers of each on small images, the one that takes the least time first.
fn small_hosts() -> Hosts {
    let mut resnet = first_blocks(&resnet_with_mean(), "layer2.1.bn2.out", 20);
    resize(&mut resnet, 32);
    [
        ("transformer", vision_transformer(2)),
        ("EfficientNet-Lite0", Graph::load(small_backbone()).unwrap()),
        ("ResNet18", resnet),
    ]
}

/// Whole networks on images of their own size.
fn large_hosts() -> Hosts {
    [
        ("EfficientNet-Lite0", Graph::load(backbone()).unwrap()),
        ("ResNet18", resnet_with_mean()),
        ("transformer", vision_transformer(4)),
    ]
}

fn assert_agree(networks: impl IntoIterator<Item = (&'static str, Graph)>) {
    let files = Files::new();
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
fn clean_networks_agree() {
    let tokens = ("token transformer", transformer());
    assert_agree(small_hosts().into_iter().chain([tokens]));
}

#[test]
#[ignore = "takes 2 min: networks at full size in three engines"]
fn clean_networks_agree_at_full_size() {
    assert_agree(large_hosts());
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
        &["'x'", "NaN in sample 0", "2 more samples"],
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
