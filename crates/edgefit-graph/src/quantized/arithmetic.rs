//! Which nodes of a QDQ graph are written to be computed on integers.

use std::collections::HashSet;

use crate::graph::{Graph, Node};
use crate::ops::Role;
use crate::topology::Topology;

/// The nodes of a graph that stand between dequantising and quantising nodes, so that an integer kernel can
/// take the place of all of them.
///
/// Such a node reads nothing but what a DequantizeLinear made (limits, shapes, axes and a constant bias of
/// floats aside), and what it makes goes into a QuantizeLinear alone, through a Relu or a Clip at most, which is then one of them too. A
/// Gemm or a MatMul may also end in floats: its kernel scales the accumulator to them. Whether an engine has
/// such a kernel is another matter.
pub struct IntegerNodes(HashSet<usize>);

impl IntegerNodes {
    /// Those of `graph`.
    ///
    /// ```
    /// use edgefit_graph::quantized::IntegerNodes;
    /// use edgefit_graph::{Graph, Node};
    ///
    /// let mut graph = Graph::new("g", 17);
    /// graph.nodes = vec![
    ///     Node::new("DequantizeLinear", "d", &["x", "s"], &["f"]),
    ///     Node::new("GlobalAveragePool", "pool", &["f"], &["p"]),
    ///     Node::new("QuantizeLinear", "q", &["p", "s"], &["y"]),
    ///     Node::new("Sigmoid", "island", &["f"], &["z"]),
    /// ];
    /// let found = IntegerNodes::of(&graph);
    /// assert!(found.contains(1) && !found.contains(3));
    /// ```
    pub fn of(graph: &Graph) -> Self {
        let topology = Topology::of(graph);
        let mut found = HashSet::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            if found.contains(&index) || !reads_integers(graph, &topology, node) {
                continue;
            }
            let activation = quantized_behind(graph, &topology, node);
            let scales = matches!(node.op.as_str(), "Gemm" | "MatMul");
            if activation.is_some() || scales {
                found.insert(index);
                found.extend(activation.flatten());
            }
        }
        IntegerNodes(found)
    }

    /// Whether the node with this index is one.
    pub fn contains(&self, node: usize) -> bool {
        self.0.contains(&node)
    }
}

fn is_scaling(node: &Node) -> bool {
    matches!(node.op.as_str(), "QuantizeLinear" | "DequantizeLinear")
}

/// Whether every value that `node` computes with comes out of a DequantizeLinear.
fn reads_integers(graph: &Graph, topology: &Topology, node: &Node) -> bool {
    if is_scaling(node) || !node.is_onnx() {
        return false;
    }
    let dequantized = |name: &str| {
        let maker = topology.producer(name);
        maker.is_some_and(|maker| graph.nodes[maker].op == "DequantizeLinear")
    };
    let inputs = node.inputs.iter().enumerate();
    // TensorRT adds biases of floats to rescaled sums.
    let is_bias = |index: usize, name: &str| {
        index == 2
            && matches!(node.op.as_str(), "Conv" | "Gemm")
            && graph.initializers.contains_key(name)
    };
    let mut data = inputs
        .filter(|(index, name)| !name.is_empty() && Role::of(node, *index) != Role::Configuration)
        .filter(|(index, name)| !is_bias(*index, name))
        .map(|(_, name)| name.as_str())
        .peekable();
    data.peek().is_some() && data.all(dequantized)
}

/// Where all that `node` makes is quantised: the activation between the two, if there is one.
fn quantized_behind(graph: &Graph, topology: &Topology, node: &Node) -> Option<Option<usize>> {
    let quantized = |node: &Node| {
        node.present_outputs().all(|name| {
            let readers = topology.consumers(name);
            let quantizes = |reader: &usize| graph.nodes[*reader].op == "QuantizeLinear";
            !readers.is_empty() && !topology.is_output(name) && readers.iter().all(quantizes)
        })
    };
    if quantized(node) {
        return Some(None);
    }
    let [output] = node.outputs.as_slice() else {
        return None;
    };
    let next = topology.sole_consumer(output)?;
    let after = &graph.nodes[next];
    let activation = matches!(after.op.as_str(), "Relu" | "Clip");
    (activation && quantized(after)).then_some(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_goes_with_its_convolution_and_a_branch_keeps_floats() {
        let mut graph = Graph::new("g", 17);
        graph.nodes = vec![
            Node::new("DequantizeLinear", "dx", &["x", "s"], &["xd"]),
            Node::new("DequantizeLinear", "dw", &["w", "s"], &["wd"]),
            Node::new("Conv", "conv", &["xd", "wd"], &["c"]),
            Node::new("Clip", "relu6", &["c", "low", "high"], &["r"]),
            Node::new("QuantizeLinear", "q", &["r", "s"], &["rq"]),
            Node::new("DequantizeLinear", "dr", &["rq", "s"], &["rd"]),
            Node::new("Conv", "float bias", &["rd", "wd", "b"], &["e"]),
            Node::new("QuantizeLinear", "qe", &["e", "s"], &["eq"]),
            Node::new("MatMul", "fc", &["rd", "wd"], &["y"]),
        ];
        let found = |graph: &Graph| -> Vec<usize> {
            let nodes = IntegerNodes::of(graph);
            (0..graph.nodes.len())
                .filter(|&at| nodes.contains(at))
                .collect()
        };
        assert_eq!(found(&graph), [2, 3, 8]);
        // Somebody else reads the result in floats.
        graph
            .nodes
            .push(Node::new("Sigmoid", "gate", &["r"], &["g"]));
        assert_eq!(found(&graph), [8]);
    }
}
