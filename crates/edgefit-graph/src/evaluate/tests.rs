//! Tests of ops that are computed on the host.

use super::*;
use crate::Attribute;
use crate::graph::{Graph, Node};
use crate::ops::Binary;
use crate::ops::OpReader;

/// What `node` makes of `inputs`, which are also known to it by name.
fn run(node: Node, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut graph = Graph::new("g", 17);
    for (name, tensor) in node.inputs.iter().zip(inputs) {
        graph.initializers.insert(name.clone(), tensor.clone());
    }
    let op = OpReader::new(&graph).read(&node).unwrap();
    let types: Vec<TensorType> = inputs.iter().map(TensorType::of).collect();
    let types: Vec<Option<&TensorType>> = types.iter().map(Some).collect();
    let outputs = op.infer(&types, node.outputs.len()).unwrap();
    let inputs: Vec<Option<&Tensor>> = inputs.iter().map(Some).collect();
    evaluate(&op, &inputs, &outputs).unwrap()
}

fn ints(dims: &[usize], values: &[i64]) -> Tensor {
    Tensor::from_values(dims.to_vec(), values)
}

#[test]
fn shape_arithmetic() {
    let shape = ints(&[4], &[2, 3, 4, 5]);
    let second = run(
        Node::new("Gather", "", &["s", "i"], &["y"]),
        &[shape.clone(), ints(&[], &[-3])],
    );
    assert_eq!(second, [ints(&[], &[3])]);
    let tail = run(
        Node::new("Slice", "", &["s", "a", "b"], &["y"]),
        &[shape.clone(), ints(&[1], &[1]), ints(&[1], &[i64::MAX])],
    );
    assert_eq!(tail, [ints(&[3], &[3, 4, 5])]);
    let product = run(
        Node::new("ReduceProd", "", &["s"], &["y"]).with("keepdims", Attribute::Int(0)),
        std::slice::from_ref(&shape),
    );
    assert_eq!(product, [ints(&[], &[120])]);
    let joined = run(
        Node::new("Concat", "", &["a", "b"], &["y"]).with("axis", Attribute::Int(1)),
        &[ints(&[2, 1], &[1, 2]), ints(&[2, 2], &[3, 4, 5, 6])],
    );
    assert_eq!(joined, [ints(&[2, 3], &[1, 3, 4, 2, 5, 6])]);
}

#[test]
fn integers_divide_towards_zero_and_mod_takes_the_divisors_sign() {
    let (a, b) = (ints(&[3], &[-7, 7, -7]), ints(&[3], &[2, -2, -2]));
    let divided = run(
        Node::new("Div", "", &["a", "b"], &["y"]),
        &[a.clone(), b.clone()],
    );
    assert_eq!(divided, [ints(&[3], &[-3, -3, 3])]);
    let rest = run(Node::new("Mod", "", &["a", "b"], &["y"]), &[a, b]);
    assert_eq!(rest, [ints(&[3], &[1, -1, -1])]);
}

#[test]
fn elements_are_moved_where_they_belong() {
    let x = ints(&[2, 3], &[3, 1, 2, 4, 6, 5]);
    let split = run(
        Node::new("Split", "", &["x"], &["a", "b"]).with("axis", Attribute::Int(1)),
        std::slice::from_ref(&x),
    );
    assert_eq!(
        split,
        [ints(&[2, 2], &[3, 1, 4, 6]), ints(&[2, 1], &[2, 5])]
    );
    let top = run(
        Node::new("TopK", "", &["x", "k"], &["v", "i"]),
        &[x.clone(), ints(&[1], &[2])],
    );
    assert_eq!(
        top,
        [ints(&[2, 2], &[3, 2, 6, 5]), ints(&[2, 2], &[0, 2, 1, 2])]
    );
    let turned = run(
        Node::new("Transpose", "", &["x"], &["y"]),
        std::slice::from_ref(&x),
    );
    assert_eq!(turned, [ints(&[3, 2], &[3, 4, 1, 6, 2, 5])]);
    let wide = run(
        Node::new("Tile", "", &["x", "r"], &["y"]),
        &[ints(&[2], &[1, 2]), ints(&[1], &[2])],
    );
    assert_eq!(wide, [ints(&[4], &[1, 2, 1, 2])]);
}

#[test]
fn indices_outside_and_divisions_by_zero_give_nothing() {
    assert_eq!(resolve_indices(&ints(&[2], &[-3, 2]), 3), Some(vec![0, 2]));
    assert_eq!(resolve_indices(&ints(&[1], &[3]), 3), None);
    assert_eq!(resolve_indices(&ints(&[1], &[i64::MIN]), 3), None);
    let numbers = |value| Numbers::Ints(vec![value]);
    assert!(binary_numbers(Binary::Div, numbers(1), numbers(0)).is_none());
}

#[test]
fn a_wide_window_over_nothing_is_not_laid_out() {
    let node = Node::new("MaxPool", "", &["x"], &["y"])
        .with("kernel_shape", Attribute::Ints(vec![2100, 2100]))
        .with("pads", Attribute::Ints(vec![1030; 4]));
    let op = OpReader::new(&Graph::new("g", 17)).read(&node).unwrap();
    let x = ints(&[0, 1, 40, 40], &[]);
    let outputs = op.infer(&[Some(&TensorType::of(&x))], 1).unwrap();
    assert_eq!(outputs[0].dims, [0, 1, 1, 1]);
    assert!(evaluate(&op, &[Some(&x)], &outputs).is_none());
}
