//! Quantised models: which nodes belong to one, what its integers stand for, and what can go wrong in the
//! registers of an integer kernel.

mod accumulation;
mod arithmetic;
mod layer_safety;
mod scaling;
mod values;

use crate::graph::{Graph, Node};

pub use accumulation::{Accumulation, Bounds, Reduction};
pub use arithmetic::IntegerNodes;
pub use layer_safety::{LayerSafety, layer_safety};
pub use scaling::{Scaling, step_of};
pub use values::{QuantizedValue, StandsFor, quantized_values};

/// Whether `node` computes on quantised values, or makes them.
pub fn computes_quantized(node: &Node) -> bool {
    const OPS: [&str; 6] = [
        "QuantizeLinear",
        "DynamicQuantizeLinear",
        "ConvInteger",
        "MatMulInteger",
        "QGemm",
        "DynamicQuantizeMatMul",
    ];
    let op = node.op.as_str();
    op.starts_with("QLinear") || OPS.contains(&op)
}

/// The first node of `graph` that computes on quantised values or reads quantised weights.
pub fn first_quantized(graph: &Graph) -> Option<&Node> {
    let reads_weights = |node: &Node| {
        matches!(
            node.op.as_str(),
            "DequantizeLinear" | "MatMulNBits" | "MatMulIntegerToFloat"
        )
    };
    let mut nodes = graph.nodes.iter();
    nodes.find(|node| computes_quantized(node) || reads_weights(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_alone_make_a_model_quantised_too() {
        let mut graph = Graph::new("g", 17);
        graph.nodes.push(Node::new("Relu", "relu", &["x"], &["r"]));
        assert_eq!(first_quantized(&graph), None);
        let weight = Node::new("DequantizeLinear", "dq", &["q", "s"], &["w"]);
        graph.nodes.push(weight);
        assert_eq!(first_quantized(&graph).unwrap().name, "dq");
        assert!(!computes_quantized(&graph.nodes[1]));
        let conv = Node::new("QLinearConv", "conv", &["x"], &["y"]);
        assert!(computes_quantized(&conv));
    }
}
