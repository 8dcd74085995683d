//! `edgefit verify` on the exported file of a run.

use edgefit::graph::{Graph, Tensor};

use super::{document, verify};
use crate::common::{assert_refused, onnxruntime, run, small_backbone, some_photographs, train};

#[test]
fn the_exported_file_alone_reproduces_the_test_accuracy_of_its_run() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "mammal"], 20);
    let folder = tempfile::tempdir().unwrap();
    let run_folder = folder.path().join("run");
    let mut train = train(data.path(), small_backbone());
    train.args(["--json", "-o"]).arg(&run_folder);
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
