use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

use super::*;

/// One convolution from 3 to `channels` channels, 1×1, on a `side` × `side` image.
fn conv(channels: usize, side: usize) -> (Graph, InputShapes) {
    let mut graph = Graph::new("conv", 17);
    let dims = [1, 3, side, side].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weight = vec![0f32; channels * 3];
    graph.initializers.insert(
        "w".into(),
        Tensor::from_values(vec![channels, 3, 1, 1], &weight),
    );
    graph
        .nodes
        .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    (graph, shapes)
}
