//! What a model says of images and arrays, and that others get the same from it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::python::python;
use crate::common::{
    assert_refused, backbone, command, onnxruntime, photographs, run, small_backbone,
    some_photographs,
};

fn predict(model: &Path, paths: &[&Path], flags: &[&str]) -> crate::common::Ran {
    run(command().arg("predict").arg(model).args(paths).args(flags))
}

#[test]
fn the_test_images_of_a_run_get_the_accuracy_of_its_report() {
    onnxruntime();
    let data = photographs();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut train = crate::common::train(&data, small_backbone());
    train.args(["--epochs", "3", "-o"]).arg(&out);
    let trained = run(&mut train);
    assert!(trained.code < 2, "{trained:?}");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();

    let splits = out.join("splits.json");
    let split = ["--split", splits.to_str().unwrap()];
    let json = [&split[..], &["--json"]].concat();
    let said = predict(&out, &[&data], &json).json("edgefit.predict/1");
    let test = &report["test"];
    for figure in ["samples", "accuracy"] {
        assert!(test[figure].is_number(), "{test}");
        assert_eq!(said["accuracy"][figure], test[figure], "{said}");
    }
    let first = &said["predictions"][0];
    assert_eq!(first["top"][0]["label"], first["label"]);
    assert_eq!(first["top"][0]["probability"], first["probability"]);

    let named = fs::read_to_string(&splits).unwrap();
    let named: Value = serde_json::from_str(&named).unwrap();
    let other = data.join(named["train"][0].as_str().unwrap());
    let said = predict(&out, &[&data, &other], &json);
    let words = "--split leaves out 1 of the images";
    assert!(said.code == 0 && said.stderr.contains(words), "{said:?}");

    // The same as the run wrote.
    let csv = predict(&out, &[&data], &[&split[..], &["--csv"]].concat());
    assert_eq!(csv.code, 0, "{csv:?}");
    let labels = |text: &str| -> Vec<String> {
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    let written = fs::read_to_string(out.join("predictions.csv")).unwrap();
    let columns = |text: &str| {
        let rows = labels(text).into_iter();
        let cells = rows.map(|row| row.split(',').take(4).collect::<Vec<_>>().join(","));
        cells.collect::<Vec<_>>()
    };
    assert_eq!(columns(&csv.stdout), columns(&written));
}

#[test]
fn single_images_have_no_truth_and_what_cannot_be_read_is_named() {
    let data = some_photographs(&["bird"], 2);
    let one = fs::read_dir(data.path().join("bird"))
        .unwrap()
        .next()
        .unwrap();
    let broken = data.path().join("broken.png");
    fs::write(&broken, "no picture").unwrap();
    let one = one.unwrap().path();
    let said = predict(backbone(), &[&one], &["--json"]).json("edgefit.predict/1");
    assert_eq!(said["predictions"].as_array().unwrap().len(), 1);
    assert_eq!(said["accuracy"], Value::Null);
    assert_eq!(said["left_out"], Value::Null);

    let said = predict(backbone(), &[data.path()], &["--json"]);
    assert!(said.stderr.contains("broken.png"), "{said:?}");
    let said = said.json("edgefit.predict/1");
    assert_eq!(said["predictions"].as_array().unwrap().len(), 2);
    assert_eq!(said["left_out"][0]["file"], "broken.png");

    let refused = predict(backbone(), &[&one, &broken], &["--json"]);
    assert_refused(&refused, &["broken.png", "give another image"]);
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("broken.png"), "no picture").unwrap();
    let refused = predict(backbone(), &[empty.path()], &[]);
    assert_refused(&refused, &["none of the images can be read"]);
    fs::remove_file(empty.path().join("broken.png")).unwrap();
    let refused = predict(backbone(), &[empty.path()], &[]);
    assert_refused(&refused, &["holds no image"]);
}

#[test]
#[ignore = "takes a minute: fetches Python packages"]
fn the_snippet_of_the_document_gives_the_same_logits() {
    onnxruntime();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/preprocessing.md")).unwrap();
    let (_, snippet) = document.split_once("```python\n").unwrap();
    let (snippet, _) = snippet.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("snippet.py");
    fs::write(&script, snippet).unwrap();
    let data = some_photographs(&["bird", "vehicle"], 6);
    // So tall that Pillow 13 resizes it along columns first where it may choose.
    let tall = "bird/pink_flamingo.png";
    fs::copy(photographs().join(tall), data.path().join(tall)).unwrap();
    let said = predict(backbone(), &[data.path()], &["--json"]).json("edgefit.predict/1");
    for one in said["predictions"].as_array().unwrap() {
        let image = data.path().join(one["file"].as_str().unwrap());
        let mut python = Command::new(python());
        let theirs = run(python.arg(&script).arg(backbone()).arg(image));
        let theirs: Vec<f64> = serde_json::from_str(&theirs.stdout).unwrap();
        let ours: Vec<f64> = one["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect();
        assert_eq!(ours.len(), theirs.len());
        let off = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0, f64::max);
        assert!(off < 1e-3, "{one}: {off}");
    }
}
