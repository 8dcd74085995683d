//! What is no integer program, and is not exported.

use super::export;
use super::network::{Files, network};
use crate::common::assert_refused;

#[test]
fn what_is_no_integer_program_is_refused_with_the_fix() {
    let files = Files::of(&network(), [4, 9, 7], "onnxruntime-x86");
    let scheme = export(&files.model, &files.path("project"), &[]);
    assert_refused(
        &scheme,
        &["int8.onnx", "onnxruntime-x86", "--scheme tflite"],
    );
    let float = export(&files.float, &files.path("project"), &[]);
    assert_refused(
        &float,
        &[
            "float.onnx",
            "edgefit quantize MODEL --data DIR --scheme tflite",
        ],
    );
    let name = export(&files.model, &files.path("project"), &["--name", "1;x"]);
    assert_refused(&name, &["1;x", "lower-case letters"]);
    assert!(!files.path("project").exists());
}
