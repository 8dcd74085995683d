//! Tests of shape inference.

use super::*;
use crate::attribute::Attribute;
use crate::graph::{Dim, Node, ValueInfo};

fn graph(nodes: Vec<Node>) -> Graph {
    let mut graph = Graph::new("g", 17);
    graph.inputs.push(ValueInfo::f32(
        "x",
        vec![Dim::Symbol("n".into()), Dim::Known(3), Dim::Unknown],
    ));
    graph.nodes = nodes;
    graph
}

#[test]
fn unknown_dimensions_ask_for_the_shape() {
    let graph = graph(vec![]);
    let error = InputShapes::bind(&graph, 2, None).unwrap_err().to_string();
    assert!(error.contains("--input-shape"), "{error}");
    let shapes = InputShapes::bind(&graph, 2, Some(&[4, 3, 9])).unwrap();
    assert_eq!(shapes.0, [("x".into(), vec![4, 3, 9])]);
    assert!(InputShapes::bind(&graph, 2, Some(&[4, 3])).is_err());
}

#[test]
fn analysis_goes_on_around_unsupported_ops() {
    let graph = graph(vec![
        Node::new("Relu", "known", &["x"], &["a"]),
        Node::new("Frobnicate", "odd", &["a"], &["b"]),
        Node::new("Relu", "behind", &["b"], &["c"]),
        Node::new("Frobnicate", "odd2", &["a"], &["d"]),
        Node::new("Relu", "parallel", &["a"], &["e"]),
    ]);
    let shapes = InputShapes(vec![("x".into(), vec![2, 3, 4])]);
    let inference = infer(&graph, &shapes).unwrap();
    assert_eq!(inference.get("e").unwrap().dims, [2, 3, 4]);
    assert!(inference.get("c").is_none());
    assert_eq!(inference.unsupported[0].nodes, ["odd", "odd2"]);
    assert!(matches!(inference.known("c"), Err(Error::Unsupported(_))));
}

#[test]
fn an_attribute_without_a_default_has_to_be_there() {
    for (op, attribute) in [
        ("Concat", "axis"),
        ("Cast", "to"),
        ("DepthToSpace", "blocksize"),
    ] {
        let graph = graph(vec![Node::new(op, "n", &["x"], &["y"])]);
        let shapes = InputShapes(vec![("x".into(), vec![2, 3, 4])]);
        let error = infer(&graph, &shapes).unwrap_err().to_string();
        assert!(error.contains(&format!("node 'n' ({op})")), "{error}");
        assert!(
            error.contains(&format!("no attribute '{attribute}'")),
            "{error}"
        );
    }
}

/// x + what `nodes` make of constants, in a graph that declares none of it.
fn folded(nodes: Vec<Node>, constants: &[(&str, Vec<i64>)]) -> Result<Inference> {
    let mut graph = graph(nodes);
    for (name, values) in constants {
        let tensor = Tensor::from_values(vec![values.len()], values);
        graph.initializers.insert((*name).into(), tensor);
    }
    infer(&graph, &InputShapes(vec![("x".into(), vec![2, 3, 4])]))
}

#[test]
fn shape_arithmetic_is_folded() {
    let nodes = vec![
        Node::new("Shape", "", &["x"], &["shape"]),
        Node::new("Gather", "", &["shape", "first"], &["batch"]),
        Node::new("Concat", "", &["batch", "rest"], &["target"]).with("axis", Attribute::Int(0)),
        Node::new("Reshape", "", &["x", "target"], &["y"]),
    ];
    let inference = folded(nodes, &[("first", vec![0]), ("rest", vec![-1])]).unwrap();
    assert_eq!(inference.get("y").unwrap().dims, [2, 12]);
    assert!(inference.is_folded("target") && !inference.is_folded("y"));
    // Nothing that runs reads them, so nothing is kept.
    assert!(inference.constant("shape").is_none());
}

#[test]
fn folding_does_not_grow_without_bound() {
    // Each is repeated to 2²⁰ elements; the time for that ends before the nodes do.
    let tile = |index: usize| {
        let output = format!("t{index}");
        Node::new("Tile", "", &["seed", "times"], &[&output])
    };
    let nodes = (0..200).map(tile).collect();
    let inference = folded(nodes, &[("seed", vec![1]), ("times", vec![1 << 20])]).unwrap();
    assert!(inference.is_folded("t0"));
    assert!(!inference.is_folded("t199"));
    assert_eq!(inference.get("t199").unwrap().dims, [1 << 20]);
    // Without elements, and yet too wide to walk over.
    let wide = Node::new("ConstantOfShape", "", &["dims"], &["y"]);
    let error = folded(vec![wide], &[("dims", vec![0, 1 << 40])]).unwrap_err();
    assert!(
        error.to_string().contains("no dimension may be 0"),
        "{error}"
    );
}

#[test]
fn folded_values_do_not_have_any_number_of_dimensions() {
    let many = Node::new("Reshape", "many", &["one", "dims"], &["y"]);
    let error = folded(vec![many], &[("one", vec![7]), ("dims", vec![1; 65])]).unwrap_err();
    assert!(error.to_string().contains("65 dimensions"), "{error}");
}

#[test]
fn astronomic_sizes_are_refused() {
    let graph = graph(vec![]);
    let shapes = InputShapes(vec![("x".into(), vec![usize::MAX, 2])]);
    let error = infer(&graph, &shapes).unwrap_err().to_string();
    assert!(error.contains("no memory holds"), "{error}");
}
