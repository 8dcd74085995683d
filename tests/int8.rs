//! Stage int8: the exported model quantised, and trained on from there.

use std::fs;
use std::path::Path;
use std::process::Command;

use edgefit::graph::{Graph, Tensor};
use serde_json::Value;

use crate::common::npz::{Values, save};
use crate::common::process::{kill, reaches, start};
use crate::common::quantized::float;
use crate::common::{
    assert_fields, assert_refused, command, edgefit, onnxruntime, run, small_backbone,
    some_photographs,
};

const SAMPLES: usize = 150;

/// Arrays of three classes that a mean of channels tells apart, but for noise.
fn arrays(path: &Path) {
    let labels: Vec<i64> = (0..SAMPLES as i64).map(|sample| sample % 3).collect();
    let value = |sample: usize, at: usize| {
        let noise = ((sample * 144 + at) as f32 * 12.9898).sin();
        let channel = at / 36;
        let own = if channel as i64 == labels[sample] {
            2.0
        } else {
            0.0
        };
        own + noise
    };
    let values = (0..SAMPLES).flat_map(|sample| (0..144).map(move |at| value(sample, at)));
    let values = values.collect();
    let shape = [SAMPLES, 4, 6, 6];
    let x = ("x", &shape[..], Values::Floats(values));
    save(
        path,
        &[x, ("y", &[SAMPLES], Values::Integers(labels.clone()))],
    );
}

/// The small network with convolutions that tell the channels apart.
fn network() -> Graph {
    let mut graph = float();
    let weight = graph.initializers.get_mut("conv.w").unwrap();
    let dims = weight.dims().to_vec();
    let mut values: Vec<f32> = weight
        .to_f32()
        .unwrap()
        .iter()
        .map(|value| 0.2 * value)
        .collect();
    for output in 0..16 {
        values[(output * 4 + output % 4) * 9 + 4] += 1.0;
    }
    *weight = Tensor::from_values(dims, &values);
    graph
}

fn report(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("report.json")).unwrap()).unwrap()
}

#[test]
fn a_small_net_is_trained_on_integers_and_runs_everywhere() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let [data, backbone, out] =
        ["data.npz", "float.onnx", "run"].map(|name| folder.path().join(name));
    arrays(&data);
    network().save(&backbone).unwrap();
    let mut train = crate::common::train(&data, &backbone);
    train.args([
        "--stages",
        "probe,int8",
        "--scheme",
        "onnxruntime-x86",
        "--json",
        "-o",
    ]);
    let ran = run(train.arg(&out));
    assert!(ran.code < 2, "{ran:?}");
    let told = ran.json("edgefit.train/1");
    assert_fields(
        &told,
        &[
            "int8.quantized.val_accuracy",
            "int8.trained.val.sqnr_db",
            "int8.test.accuracy.standard_error",
            "stages.1.kept",
            "timing.int8_ns",
        ],
    );
    assert_eq!(told["int8"]["scheme"], "onnxruntime-x86");
    assert_eq!(told["stages"][1]["name"], "int8");
    assert_eq!(told["stages"][1]["epochs"].as_array().unwrap().len(), 5);
    let kept = if told["stages"][1]["kept"] == true {
        "training"
    } else {
        "quantization"
    };
    assert_eq!(told["int8"]["kept"], kept);
    let sqnr = told["int8"]["quantized"]["val"]["sqnr_db"]
        .as_f64()
        .unwrap();
    assert!(sqnr > 15.0, "{sqnr}");

    let model = out.join("model-int8.onnx");
    let graph = Graph::load(&model).unwrap();
    assert!(graph.metadata["edgefit.quantization"].contains("onnxruntime-x86"));
    assert!(graph.nodes.iter().any(|node| node.op == "QuantizeLinear"));
    let verified = edgefit(&["verify", model.to_str().unwrap()]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let shown = report(&out);
    assert_eq!(shown["int8"]["exported"]["path"], model.to_str().unwrap());
    // What differs is listed: as many as do not agree.
    let test = &shown["int8"]["test"];
    let agree = test["agreement"].as_f64().unwrap() * test["samples"].as_f64().unwrap();
    let flips = shown["int8"]["flips"].as_array().unwrap();
    assert_eq!(
        flips.len() as f64,
        test["samples"].as_f64().unwrap() - agree.round()
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("What integers change"));
}

#[test]
fn a_run_in_floats_is_made_int8_alone_and_its_head_stays() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let [data, backbone, first, second] =
        ["data.npz", "float.onnx", "first", "second"].map(|name| folder.path().join(name));
    arrays(&data);
    network().save(&backbone).unwrap();
    let mut train = crate::common::train(&data, &backbone);
    let ran = run(train.args(["--json", "-o"]).arg(&first));
    assert!(ran.code < 2, "{ran:?}");
    let before = ran.json("edgefit.train/1");
    assert_eq!(before["int8"], Value::Null);

    let alone = |model: &Path, out: &Path| {
        let mut train = crate::common::train(&data, model);
        run(train.args(["--stages", "int8", "--json", "-o"]).arg(out))
    };
    let ran = alone(&first, &second);
    assert!(ran.code < 2, "{ran:?}");
    let told = ran.json("edgefit.train/1");
    assert_eq!(told["test"]["accuracy"], before["test"]["accuracy"]);
    let [a, b] = [&first, &second].map(|run| Graph::load(run.join("model.onnx")).unwrap());
    assert_eq!(a.initializers, b.initializers);
    assert!(second.join("model-int8.onnx").exists());
    // What it tells is not known.
    let refused = alone(&backbone, &folder.path().join("third"));
    assert_refused(&refused, &["float.onnx", "--stages probe,int8"]);
}

#[test]
fn a_guard_that_ends_stage_int8_says_so_in_the_folder() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let [data, backbone, recipe, out] =
        ["data.npz", "float.onnx", "recipe.toml", "run"].map(|name| folder.path().join(name));
    arrays(&data);
    network().save(&backbone).unwrap();
    fs::write(&recipe, "[int8]\nlearning_rate = 1e30\n").unwrap();
    let mut train = crate::common::train(&data, &backbone);
    train.args(["--stages", "probe,int8", "--json", "--recipe"]);
    let ran = run(train.arg(&recipe).arg("-o").arg(&out));
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = report(&out);
    assert_eq!(told["status"], "stopped", "{told}");
    assert_eq!(told["refused"], ran.json("edgefit.train/1")["refused"]);
    assert_eq!(told["stages"][0]["name"], "probe");
    assert_eq!(told["stages"][1]["name"], "int8");
    assert!(out.join("report.html").exists());
}

#[test]
fn a_scheme_without_its_stage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [data, backbone, out] =
        ["data.npz", "float.onnx", "run"].map(|name| folder.path().join(name));
    arrays(&data);
    network().save(&backbone).unwrap();
    let mut train = crate::common::train(&data, &backbone);
    let ran = run(train.args(["--scheme", "tflite", "-o"]).arg(&out));
    assert_refused(&ran, &["--scheme", "int8"]);
    assert!(!out.exists());
}

fn train_photographs(data: &Path, out: &Path, threads: &str) -> Command {
    let mut train = crate::common::train(data, small_backbone());
    train.args(["--stages", "probe,int8", "--batch", "8", "--epochs", "3"]);
    train
        .args(["--tensorboard", "--threads", threads, "-o"])
        .arg(out);
    train.env("RAYON_NUM_THREADS", threads);
    train
}

#[test]
fn a_run_killed_in_the_middle_of_int8_gives_the_same_model_as_on_one_thread() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| out.path().join(name));
    let ran = run(&mut train_photographs(data.path(), &whole, "1"));
    assert!(ran.code < 2, "{ran:?}");
    assert!(ran.stdout.contains("int8 model in scheme"), "{ran:?}");
    let mut child = start(train_photographs(data.path(), &killed, "2"));
    let events = killed.join("events.jsonl");
    let is_reached = || fs::read_to_string(&events).is_ok_and(|told| told.contains("\"int8\""));
    assert!(reaches(&mut child, is_reached), "it ended by itself");
    kill(child);
    assert!(!killed.join("report.json").exists());
    let ran = run(command().args(["train", "--resume"]).arg(&killed));
    assert!(ran.code < 2, "{ran:?}");
    for name in ["model.onnx", "model-int8.onnx"] {
        let [a, b] = [&whole, &killed].map(|run| fs::read(run.join(name)).unwrap());
        assert!(a == b, "{name} differs");
    }
    let epochs = |run: &Path| report(run)["stages"][1]["epochs"].clone();
    assert_eq!(epochs(&whole), epochs(&killed));
    // TensorBoard sees each epoch once, whichever process trained it; records differ in their times alone.
    let seen =
        |run: &Path| fs::metadata(run.join("events.out.tfevents.edgefit")).map(|file| file.len());
    assert!(seen(&whole).unwrap() > 100);
    assert_eq!(seen(&whole).unwrap(), seen(&killed).unwrap());
}
