//! What a program takes: one sample of the shape that is said, and arrays as the model scales them.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

#[allow(dead_code, reason = "other tests use it")]
mod qdq;

use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::{Dim, Graph, Node, Preprocessing, StandardScaler, ValueInfo};
use edgefit_micro::tflite::{Planning, file};
use edgefit_micro::{fix_sample, lower};
use qdq::{Qdq, conv};

/// A product of six features.
fn product() -> Graph {
    let mut made = Qdq::new(&[6]);
    made.weight("w", &[6, 2]);
    made.node(Node::new("MatMul", "", &["x_q", "w"], &["y"]));
    made.graph("y_q")
}

/// A scaler of samples of as many features.
fn scaler(features: usize) -> StandardScaler {
    StandardScaler {
        dims: vec![features],
        mean: vec![0.25; features],
        std: vec![3.5; features],
    }
}

#[test]
fn a_scaler_goes_into_the_program_and_the_file() {
    let mut graph = product();
    let plain = file(&lower(&graph).unwrap(), Planning::InFile).unwrap();
    scaler(6).store(&mut graph);
    let program = lower(&graph).unwrap();
    assert_eq!(program.scaler, Some(scaler(6)));
    let made = file(&program, Planning::InFile).unwrap();
    let says = |bytes: &[u8]| bytes.windows(4).any(|part| part == 3.5f32.to_le_bytes());
    assert!(says(&made.bytes) && !says(&plain.bytes));
    scaler(5).store(&mut graph);
    let refused = lower(&graph).unwrap_err().to_string();
    assert!(
        refused.contains("edgefit.scaler") && refused.contains("is for 5 channels"),
        "{refused}"
    );
}

#[test]
fn several_samples_at_once_are_refused() {
    let refused = fix_sample(&mut product(), &[8, 6]).unwrap_err().to_string();
    assert!(
        refused.contains("8x6") && refused.contains("give 1x6"),
        "{refused}"
    );
    fix_sample(&mut product(), &[1, 6]).unwrap();
    let mut row = product();
    row.inputs[0] = ValueInfo::f32("x", vec![Dim::Unknown]);
    let refused = fix_sample(&mut row, &[16_000]).unwrap_err().to_string();
    assert!(
        refused.starts_with("shape 16000: is of 16000 samples") && !refused.contains("give 1"),
        "{refused}"
    );
}

#[test]
fn the_preprocessing_makes_images_of_the_size_of_the_input() {
    let mut made = Qdq::new(&[3, 8, 8]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    let mut graph = made.graph("a_q");
    Preprocessing::named(PreprocessingName::Lite, 8, 8).store(&mut graph);
    fix_sample(&mut graph, &[1, 3, 4, 6]).unwrap();
    let program = lower(&graph).unwrap();
    let images = program.preprocessing.unwrap();
    assert_eq!(program.input.dims, [1, 4, 6, 3]);
    assert_eq!((images.width, images.height), (6, 4));
}
