//! Whole networks, as they come out of the usual libraries: they load, agree with ONNX Runtime,
//! train a step in which a gradient reaches every weight, go out, and agree again.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use common::networks::{segmenter, transformer};
use common::{command, onnxruntime, photographs, run};
use edgefit::assets::{Cache, rapidocr_classifier};
use edgefit::engine::{Array, EngineName, parity};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::Head;
use edgefit::train::trial::one_step;

fn inputs(dims: &[usize]) -> Vec<Array> {
    let count = dims.iter().product::<usize>();
    vec![Array {
        dims: dims.to_vec(),
        values: (0..count)
            .map(|index| (index as f32 * 0.37).sin())
            .collect(),
    }]
}

fn agree(graph: &Graph, sample: &[usize], what: &str) {
    let engines = [EngineName::Burn, EngineName::OnnxRuntime];
    for batch in [1, 3] {
        let inputs = inputs(&[&[batch], sample].concat());
        let pairs = parity::across(graph, &engines, &inputs, 2, parity::Tolerance::F32).unwrap();
        assert!(
            pairs.iter().all(|pair| pair.within),
            "{what}, batch {batch}: {pairs:?}"
        );
    }
}

/// The whole way for a graph and the shape of one of its samples.
fn goes_through(mut graph: Graph, sample: &[usize], what: &str) {
    onnxruntime();
    agree(&graph, sample, what);
    let trial = one_step(&mut graph, &inputs(&[&[3], sample].concat())).unwrap();
    assert!(trial.after < trial.before, "{what}: {trial:?}");
    assert!(trial.parameters > 3, "{what}: {trial:?}");
    let file = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    graph.save(file.path()).unwrap();
    agree(&Graph::load(file.path()).unwrap(), sample, what);
}

#[test]
fn paddles_text_classifier() {
    let model = rapidocr_classifier(&Cache::of_user().unwrap()).unwrap();
    goes_through(Graph::load(&model).unwrap(), &[3, 48, 192], "rapidocr");

    // And as a job: its head is behind a softmax that is renamed, its input of open size.
    let folder = tempfile::tempdir().unwrap();
    let mut train = command();
    train
        .arg("train")
        .arg(photographs())
        .arg("--backbone")
        .arg(&model)
        .args([
            "--input-shape",
            "1x3x48x192",
            "--preprocessing",
            "tf",
            "--epochs",
            "3",
        ])
        .args(["--device", "raspberry-pi-4b", "--json", "-o"])
        .arg(folder.path().join("run"));
    let report = run(&mut train).json("edgefit.train/1");
    assert_eq!(report["classes"].as_array().unwrap().len(), 6);
    let exported = Graph::load(folder.path().join("run/model.onnx")).unwrap();
    assert_eq!(exported.nodes.last().unwrap().op, "Identity");
}

#[test]
fn a_transformer_whose_shapes_are_computed() {
    let graph = transformer();
    let head = Head::of(&graph, None).unwrap();
    let features: Vec<String> = head
        .features()
        .into_iter()
        .map(|value| value.name)
        .collect();
    assert_eq!(features, ["own", "mean"]);
    goes_through(graph, &[3, 16, 16], "transformer");
}

#[test]
fn resampling_and_gates_in_an_old_opset_and_a_new_one() {
    for opset in [10, 17] {
        goes_through(segmenter(opset), &[4, 9, 7], &format!("opset {opset}"));
    }
}
