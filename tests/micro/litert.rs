//! `export --to tflite`, and LiteRT as an engine of `verify`.

use std::fs;

use edgefit::graph::labels;

use super::network::{Files, network};
use super::quantized_network;
use crate::common::{assert_fields, assert_refused, command, litert, run};

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
