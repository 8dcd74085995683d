//! A linear layer as a graph.

use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// A linear head on its own: `classes` logits from `width` features, all zero but the bias.
pub(crate) fn linear(width: usize, bias: &[f32]) -> Graph {
    let mut graph = Graph::new("linear", 17);
    let batch = || Dim::Symbol("batch".into());
    let classes = bias.len();
    graph
        .inputs
        .push(ValueInfo::f32("features", vec![batch(), Dim::Known(width)]));
    graph
        .outputs
        .push(ValueInfo::f32("logits", vec![batch(), Dim::Known(classes)]));
    let weight = Tensor::from_values(vec![classes, width], &vec![0f32; classes * width]);
    graph.initializers.insert("weight".into(), weight);
    let bias = Tensor::from_values(vec![classes], bias);
    graph.initializers.insert("bias".into(), bias);
    graph.nodes.push(
        Node::new(
            "Gemm",
            "linear",
            &["features", "weight", "bias"],
            &["logits"],
        )
        .with("transB", Attribute::Int(1)),
    );
    graph
}
