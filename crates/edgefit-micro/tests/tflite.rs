//! Programs as LiteRT models: files are valid, and nothing but the model's own ops is in them.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod qdq;

use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
use edgefit_micro::tflite::{Planning, float_file};
use edgefit_micro::{Error, lower, tflite};
use qdq::{Qdq, conv, ints};

/// Operators of the model that is made of `made`.
fn operators(made: &Qdq, output: &str) -> usize {
    let program = lower(&made.graph(output)).unwrap();
    let file = tflite::file(&program, Planning::InFile).unwrap();
    tflite::verify(&file.bytes).unwrap();
    file.operators
}

#[test]
fn an_op_is_an_operator_and_nothing_is_transposed() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    made.node(Node::new("GlobalAveragePool", "", &["a_q"], &["p"]));
    assert_eq!(operators(&made, "p_q"), 2);
    made.node(Node::new("Flatten", "", &["p_q"], &["f"]));
    made.weight("w", &[6, 2]);
    made.node(Node::new("MatMul", "", &["f_q", "w"], &["y"]));
    assert_eq!(operators(&made, "y_q"), 3);
    made.node(Node::new("Erf", "", &["y_q"], &["e"]));
    // By a table: a cast, a sum, a look-up.
    assert_eq!(operators(&made, "e_q"), 6);
}

#[test]
fn floats_that_end_with_channels_last_are_not_transposed() {
    let mut graph = Graph::new("floats", 17);
    let dims = [1, 3, 5, 4].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::float("y"));
    let weight = Tensor::from_values(vec![6, 3, 1, 1], &[0.5f32; 18]);
    graph.initializers.insert("w".into(), weight);
    let transpose = Node::new("Transpose", "", &["c"], &["y"]);
    graph.nodes = vec![
        Node::new("Conv", "", &["x", "w"], &["c"]),
        transpose.with("perm", ints(&[0, 2, 3, 1])),
    ];
    let file = float_file(&graph, Planning::InFile).unwrap();
    assert_eq!(file.transpositions, 0);
    assert_eq!(file.output.dims, [1, 5, 4, 6]);
}

#[test]
fn bytes_that_are_cut_off_are_no_model() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    let program = lower(&made.graph("a_q")).unwrap();
    let bytes = tflite::file(&program, Planning::InFile).unwrap().bytes;
    assert_eq!(
        bytes,
        tflite::file(&program, Planning::InFile).unwrap().bytes
    );
    for end in [0, 7, bytes.len() / 2, bytes.len() - 16] {
        assert!(tflite::verify(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn what_litert_rounds_otherwise_is_refused_by_node() {
    let mut made = Qdq::new(&[3, 5, 5]);
    let pool = Node::new("AveragePool", "uneven", &["x_q"], &["p"]);
    let pool = pool
        .with("kernel_shape", ints(&[2, 2]))
        .with("pads", ints(&[1, 1, 0, 0]));
    made.node(pool);
    let program = lower(&made.graph("p_q")).unwrap();
    let Err(Error::Unsupported(refusals)) = tflite::file(&program, Planning::InFile) else {
        panic!("it was not refused");
    };
    assert_eq!(refusals[0].node, "uneven");
    assert!(refusals[0].reason.contains("count_include_pad"));
}
