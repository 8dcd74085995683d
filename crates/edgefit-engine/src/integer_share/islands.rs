//! What stays in floats in a model that an engine has fused.

use std::collections::HashSet;

use edgefit_graph::{Graph, Node};

use super::on_integers;

/// The nodes of `graph` that compute in floats between values that were dequantised and values that will be
/// quantised, and all convolutions and matrix products that do.
pub(super) fn float_islands(graph: &Graph) -> Vec<&Node> {
    // Floats that come of integers, and the nodes that read or make floats.
    let (mut floats, mut dequantized) = (float_constants(graph), HashSet::new());
    let mut computing = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let read = |values: &HashSet<&str>| node.present_inputs().any(|name| values.contains(name));
        match node.op.as_str() {
            "QuantizeLinear" | "DynamicQuantizeLinear" => {}
            "DequantizeLinear" => {
                floats.extend(node.present_outputs());
                let constant = node
                    .input(0)
                    .is_some_and(|x| graph.initializers.contains_key(x));
                if !constant {
                    dequantized.extend(node.present_outputs());
                }
            }
            _ if on_integers(node) => {}
            _ => {
                let data = node.input(0).is_some_and(|name| floats.contains(name));
                if data {
                    floats.extend(node.present_outputs());
                    computing.push(index);
                }
                if data && read(&dequantized) {
                    dequantized.extend(node.present_outputs());
                }
            }
        }
    }
    let quantized = before_quantizing(graph);
    let island = |node: &Node| {
        let all = |values: &HashSet<&str>| node.present_outputs().any(|name| values.contains(name));
        works(node) || (!moves(node) && all(&dequantized) && all(&quantized))
    };
    let nodes = computing.into_iter().map(|index| &graph.nodes[index]);
    nodes.filter(|node| island(node)).collect()
}

/// Inputs and constants of floats.
fn float_constants(graph: &Graph) -> HashSet<&str> {
    let constants = graph.initializers.iter();
    let constants = constants.filter(|(_, tensor)| tensor.dtype().is_float());
    let inputs = graph.free_inputs().map(|input| input.name.as_str());
    constants
        .map(|(name, _)| name.as_str())
        .chain(inputs)
        .collect()
}

/// Values that end in a quantising node, through nodes that compute in floats.
fn before_quantizing(graph: &Graph) -> HashSet<&str> {
    let mut values: HashSet<&str> = HashSet::new();
    for node in graph.nodes.iter().rev() {
        let made = node.present_outputs().any(|name| values.contains(name));
        if node.op == "QuantizeLinear" {
            values.extend(node.input(0));
        } else if made && node.op != "DequantizeLinear" && !on_integers(node) {
            values.extend(node.present_inputs());
        }
    }
    values
}

/// Whether `node` only moves or renames what it reads.
fn moves(node: &Node) -> bool {
    matches!(
        node.op.as_str(),
        "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity"
    )
}

/// Whether `node` is a convolution or a matrix product, by its ONNX name or that of a fused one.
fn works(node: &Node) -> bool {
    let op = node.op.strip_prefix("Fused").unwrap_or(&node.op);
    matches!(
        op,
        "Conv" | "ConvTranspose" | "NhwcFusedConv" | "Gemm" | "MatMul"
    )
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, ValueInfo};

    use super::*;

    #[test]
    fn an_island_lies_between_quantised_values() {
        let mut graph = Graph::new("g", 17);
        let dims = vec![Dim::Known(1)];
        graph.inputs.push(ValueInfo::f32("x", dims.clone()));
        graph.outputs.push(ValueInfo::f32("y", dims));
        graph.nodes = vec![
            Node::new("Sigmoid", "before", &["x"], &["b"]),
            Node::new("QuantizeLinear", "q", &["b", "s"], &["xq"]),
            Node::new("QLinearConv", "conv", &["xq"], &["cq"]),
            Node::new("MaxPool", "on integers", &["cq"], &["pq"]),
            Node::new("DequantizeLinear", "d", &["pq", "s"], &["f"]),
            Node::new("Transpose", "layout", &["f"], &["t"]),
            Node::new("HardSwish", "island", &["t"], &["h"]),
            Node::new("QuantizeLinear", "q2", &["h", "s"], &["hq"]),
            Node::new("QGemm", "fc", &["hq"], &["lq"]),
            Node::new("DequantizeLinear", "d2", &["lq", "s"], &["l"]),
            Node::new("Softmax", "behind", &["l"], &["y"]),
        ];
        let names = |graph: &Graph| -> Vec<String> {
            let found = float_islands(graph).into_iter();
            found.map(|node| node.name.clone()).collect()
        };
        assert_eq!(names(&graph), ["island"]);
        graph.nodes[10] = Node::new("FusedMatMul", "behind", &["l"], &["y"]);
        assert_eq!(names(&graph), ["island", "behind"]);
    }
}
