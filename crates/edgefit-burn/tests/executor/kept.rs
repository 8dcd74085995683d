//! The memory of steps that are small enough to count by hand.

use edgefit_burn::StepMemory;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// Dimensions of sizes that the model leaves open.
fn open(rank: usize) -> Vec<Dim> {
    (0..rank)
        .map(|axis| Dim::Symbol(format!("d{axis}")))
        .collect()
}

/// x → 1×1 convolution → activation → 1×1 convolution, of 2 channels: each activation of a sample
/// takes 2 · 4 floats, 32 bytes.
fn two_convolutions(activation: Node) -> Graph {
    let mut graph = Graph::new("two convolutions", 17);
    graph.inputs.push(ValueInfo::f32("x", open(3)));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    for name in ["first", "second"] {
        let weight = Tensor::from_values(vec![2, 2, 1], &[1f32; 4]);
        graph.initializers.insert(name.into(), weight);
    }
    for (name, limit) in [("low", 0f32), ("high", 6.0)] {
        let limit = Tensor::from_values(vec![], &[limit]);
        graph.initializers.insert(name.into(), limit);
    }
    graph.nodes = vec![
        Node::new("Conv", "one", &["x", "first"], &["a"]),
        activation,
        Node::new("Conv", "two", &["r", "second"], &["y"]),
    ];
    graph
}

fn relu() -> Graph {
    two_convolutions(Node::new("Relu", "act", &["a"], &["r"]))
}

fn of(graph: &Graph, batch: usize, trained: &[&str]) -> StepMemory {
    let shapes = InputShapes(vec![("x".into(), vec![batch, 2, 4])]);
    StepMemory::of(graph, &shapes, |name| trained.contains(&name), 2).unwrap()
}

#[test]
fn a_frozen_prefix_keeps_nothing() {
    let graph = relu();
    // The result alone.
    assert_eq!(of(&graph, 1, &[]).saved, 32);
    // And the operand of the trained convolution.
    assert_eq!(of(&graph, 1, &["second"]).saved, 2 * 32);
    // And that of the first one; what the activation keeps is its result, the operand of the second one.
    assert_eq!(of(&graph, 1, &["first", "second"]).saved, 3 * 32);
    // A frozen convolution between a trained one and the loss keeps its operand, too.
    assert_eq!(of(&graph, 1, &["first"]).saved, 3 * 32);
}

#[test]
fn an_activation_keeps_its_result_or_its_operand() {
    let clip = Node::new("Clip", "act", &["a", "low", "high"], &["r"]);
    let graph = two_convolutions(clip);
    assert_eq!(of(&graph, 1, &["first", "second"]).saved, 3 * 32);
    let graph = two_convolutions(Node::new("HardSwish", "act", &["a"], &["r"]));
    assert_eq!(of(&graph, 1, &["first", "second"]).saved, 4 * 32);
}

#[test]
fn the_batch_scales_activations_but_not_weights() {
    let graph = relu();
    for trained in [&["second"][..], &["first", "second"]] {
        let (one, four) = (of(&graph, 1, trained), of(&graph, 4, trained));
        assert_eq!(four.saved, 4 * one.saved);
        assert!(four.peak > one.peak);
        assert_eq!(four.weights, one.weights);
        assert_eq!(four.trained, 16 * trained.len() as u64);
        assert_eq!(four.trained, one.trained);
    }
    assert_eq!(of(&graph, 1, &["first"]).weights, 2 * 16);
}

#[test]
fn freezing_more_never_needs_more() {
    let graph = relu();
    let choices = [&["first", "second"][..], &["second"], &[]];
    let all = choices.map(|trained| of(&graph, 3, trained));
    for pair in all.windows(2) {
        assert!(pair[0].saved > pair[1].saved);
        assert!(pair[0].peak >= pair[1].peak);
        assert!(pair[0].trained > pair[1].trained);
    }
}

#[test]
fn a_product_peaks_where_its_backward_pass_begins() {
    let mut graph = Graph::new("product", 17);
    graph.inputs.push(ValueInfo::f32("x", open(2)));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weight = Tensor::from_values(vec![3, 2], &[1f32; 6]);
    graph.initializers.insert("w".into(), weight);
    graph.nodes = vec![Node::new("Gemm", "fc", &["x", "w"], &["y"])];
    let shapes = InputShapes(vec![("x".into(), vec![4, 3])]);
    let memory = StepMemory::of(&graph, &shapes, |_| true, 2).unwrap();
    // x and y, then the gradient of y; when that of w is made, y is gone.
    assert_eq!(memory.saved, 48 + 32);
    assert_eq!(memory.peak, memory.saved + 32);
    assert_eq!(memory.trained, 24);
    assert!(memory.resident >= memory.weights + 2 * memory.trained + memory.peak);
}

#[test]
fn trained_normalisation_keeps_its_input_and_frozen_one_a_scaled_weight() {
    let node = Node::new(
        "BatchNormalization",
        "act",
        &["a", "scale", "bias", "mean", "variance"],
        &["r"],
    )
    .with("epsilon", Attribute::Float(1e-5));
    let mut graph = two_convolutions(node);
    for name in ["scale", "bias", "mean", "variance"] {
        let values = Tensor::from_values(vec![2], &[1f32; 2]);
        graph.initializers.insert(name.into(), values);
    }
    assert_eq!(of(&graph, 2, &["first"]).saved, 3 * 64 + 16);
    assert_eq!(of(&graph, 2, &["first", "scale"]).saved, 4 * 64);
}
