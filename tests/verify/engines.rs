//! Engines that cannot load a model, or crash, while others can be compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::graph::{Attribute, Node, Tensor, ValueInfo};

use super::{Files, document, small, verify};
use crate::common::{assert_refused, command, run};

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
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("the engines agree"), "{ran:?}");
    assert!(
        ran.stdout.contains("not compared with tract: tract"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("burn – onnxruntime"), "{ran:?}");
    let found = document(&mut verify(&model), 0);
    assert_eq!(found["engines"][1]["status"], "failed", "{found}");
    assert_eq!(found["pairs"].as_array().unwrap().len(), 1);
    // Asked for that engine, there is nothing to compare.
    let alone = run(command()
        .arg("verify")
        .arg(&model)
        .args(["--engine", "tract"]));
    assert_refused(&alone, &["wrap.onnx", "tract", "mode wrap"]);
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
    assert_eq!(found["verdict"], "crashed", "{found}");
    assert_eq!(found["engines"][2]["status"], "crashed", "{found}");
    let problem = found["engines"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("SIGABRT"), "{problem}");
    assert_eq!(found["pairs"][0]["within"], true, "{found}");
}
