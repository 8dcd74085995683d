//! `export --to tflite`, and LiteRT as an engine of `verify`.

use std::fs;

use edgefit::graph::labels;

use super::float_network::float_network;
use super::network::{Files, network};
use super::quantized_network;
use crate::common::npz::{Values, save};
use crate::common::{assert_fields, assert_refused, command, litert, onnxruntime, run};

#[test]
fn a_litert_model_is_valid_and_carries_its_labels() {
    let mut graph = network();
    labels::store(&mut graph, &["a", "b", "größe", "d"].map(str::to_owned));
    let files = Files::of(&graph, [4, 9, 7], "tflite");
    let path = files.path("model.tflite");
    let mut export = command();
    export
        .arg("export")
        .arg(&files.model)
        .args(["--to", "tflite", "--json", "-o"])
        .arg(&path);
    let ran = run(&mut export);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.export/1");
    assert_fields(
        &document,
        &["files", "arena_bytes", "weights_bytes", "unsupported"],
    );
    let bytes = fs::read(&path).unwrap();
    assert_eq!(document["file_bytes"], bytes.len());
    edgefit::micro::tflite::verify(&bytes).unwrap();
    let lines = "a\nb\ngröße\nd\n";
    let found = bytes
        .windows(lines.len())
        .any(|window| window == lines.as_bytes());
    assert_eq!(document["labels"].as_u64(), Some(4));
    assert!(found, "{lines}");
    let plan = b"OfflineMemoryAllocation";
    let has_plan = |file: &[u8]| file.windows(plan.len()).any(|window| window == plan);
    assert_eq!(document["planning"], "in-file");
    assert!(has_plan(&bytes));
    let mut without = command();
    without.arg("export").arg(&files.model).arg("--no-plan");
    let path = files.path("unplanned.tflite");
    let ran = run(without.args(["--to", "tflite", "--json", "-o"]).arg(&path));
    let unplanned = ran.json("edgefit.export/1");
    assert_eq!(unplanned["planning"], "by-interpreter");
    assert_eq!(unplanned["arena_bytes"], document["arena_bytes"]);
    assert!(!has_plan(&fs::read(&path).unwrap()));
    assert_refused(&run(export.args(["--device", "stm32h743"])), &["--device"]);
}

#[test]
fn litert_gives_the_bytes_of_the_reference() {
    litert();
    let files = quantized_network();
    let mut verify = command();
    verify
        .arg("verify")
        .arg(&files.model)
        .arg("--inputs")
        .arg(&files.inputs)
        .args(["--engine", "litert", "--samples", "20", "--json"]);
    let ran = run(&mut verify);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.verify/1");
    let pairs = document["pairs"].as_array().unwrap();
    let pair = pairs
        .iter()
        .find(|pair| pair["a"] == "litert" && pair["b"] == "micro");
    let pair = pair.unwrap();
    assert_eq!(
        (&pair["different"], &pair["bytes"]),
        (&0.into(), &80.into()),
        "{document}"
    );
    let broken = files.path("libLiteRt.so");
    fs::write(&broken, "no library").unwrap();
    let refused = run(verify.env("LITERT_DYLIB_PATH", &broken));
    assert_refused(&refused, &["libLiteRt.so", "engine install litert"]);
    let missing = run(verify.env("LITERT_DYLIB_PATH", files.path("nowhere")));
    assert_refused(&missing, &["nowhere is not there"]);
}

#[test]
fn floats_in_litert_are_those_of_their_engine() {
    litert();
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let [model, inputs, file] =
        ["float.onnx", "inputs.npz", "model.tflite"].map(|name| folder.path().join(name));
    let graph = float_network();
    graph.save(&model).unwrap();
    let values = (0..4 * 3 * 144)
        .map(|at| (at as f32 * 0.37).sin())
        .collect();
    save(&inputs, &[("x", &[4, 3, 12, 12], Values::Floats(values))]);
    let mut export = command();
    export.arg("export").arg(&model);
    export.args(["--to", "tflite", "--json", "-o"]).arg(&file);
    let ran = run(&mut export);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.export/1");
    assert_eq!(document["element_type"], "f32");
    assert_eq!(document["transpositions"], 0, "{document}");
    edgefit::micro::tflite::verify(&fs::read(&file).unwrap()).unwrap();
    let mut verify = command();
    verify
        .arg("verify")
        .arg(&model)
        .arg("--inputs")
        .arg(&inputs);
    let ran = run(verify.args(["--engine", "litert", "--json"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.verify/1");
    assert_eq!(document["samples"], 4, "{document}");
    assert_eq!(document["pairs"].as_array().map(Vec::len), Some(2));
    let mut bench = command();
    bench.arg("bench").arg(&model);
    bench.args(["--engine", "litert,tract", "--runs", "1", "--time", "1ms"]);
    let ran = run(bench.arg("--json"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.bench/1");
    assert_eq!(document["results"][0]["engine"], "litert", "{document}");
    assert_eq!(document["failures"], serde_json::json!([]), "{document}");
}

#[test]
fn floats_without_a_form_in_litert_are_refused_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("float.onnx");
    let mut graph = float_network();
    for node in &mut graph.nodes {
        match node.name.as_str() {
            "n" => node.op = "Erf".into(),
            "a" => node.op = "Softplus".into(),
            _ => {}
        }
    }
    graph.save(&model).unwrap();
    let file = folder.path().join("model.tflite");
    let mut export = command();
    export.arg("export").arg(&model);
    let ran = run(export.args(["--to", "tflite", "-o"]).arg(&file));
    assert_refused(
        &ran,
        &[
            "Softplus ×1 (first: node 'a'",
            "Erf ×1 (first: node 'n'",
            "write it in others",
        ],
    );
    assert!(!file.exists());
}
