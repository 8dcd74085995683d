//! Which initializers are weights that training may change.

use std::collections::HashSet;

use edgefit_base::floats;

use crate::graph::{Graph, Node};
use crate::ops::Role;
use crate::tensor::{DataType, Tensor};

/// The initializers that training may change, in graph order: the index of the first node that
/// reads each, and its name.
///
/// They are the floats that an op reads as weights, see [`Role::Parameter`], together with
/// something that depends on the graph's inputs, and the floats that such a weight is computed
/// from. A single number that an elementwise op reads is a constant of the architecture, and so is
/// an attention mask.
pub fn trainable_parameters(graph: &Graph) -> Vec<(usize, &str)> {
    let mut flowing: HashSet<&str> = graph
        .free_inputs()
        .map(|input| input.name.as_str())
        .collect();
    let flows: Vec<bool> = graph
        .nodes
        .iter()
        .map(|node| {
            let flows = node.inputs.iter().enumerate().any(|(index, name)| {
                flowing.contains(name.as_str()) && Role::of(node, index) != Role::Configuration
            });
            if flows && !matches!(node.op.as_str(), "Shape" | "Size") {
                flowing.extend(node.present_outputs());
            }
            flows
        })
        .collect();

    let mut reaching: HashSet<&str> = graph.outputs.iter().map(|out| out.name.as_str()).collect();
    let mut wanted: HashSet<&str> = HashSet::new();
    for (node, flows) in graph.nodes.iter().zip(flows).rev() {
        if !node
            .present_outputs()
            .any(|output| reaching.contains(output))
        {
            continue;
        }
        reaching.extend(node.present_inputs());
        let weight_itself = !flows && node.present_outputs().any(|output| wanted.contains(output));
        for (index, name) in node.inputs.iter().enumerate() {
            let weight = match Role::of(node, index) {
                Role::Parameter if flows => true,
                // What a weight is multiplied with on the way is a table, such as coordinates.
                Role::Parameter if node.op == "MatMul" => weight_itself && index == 1,
                // A gradient passes straight through a rounding; scale and zero point are constants of it.
                Role::Data if is_rounding(node) => weight_itself && index == 0,
                Role::Parameter | Role::Data => weight_itself && is_differentiable(node),
                Role::RunningStatistic | Role::Configuration => false,
            };
            if weight
                && !name.is_empty()
                && !is_architecture_constant(node, graph.initializers.get(name))
            {
                wanted.insert(name);
            }
        }
    }
    let mut parameters = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for name in node.present_inputs() {
            let float = |tensor: &Tensor| tensor.dtype().is_float();
            if graph.initializers.get(name).is_some_and(float) && wanted.remove(name) {
                parameters.push((index, name));
            }
        }
    }
    parameters
}

fn is_rounding(node: &Node) -> bool {
    matches!(node.op.as_str(), "QuantizeLinear" | "DequantizeLinear")
}

/// Whether a gradient flows through `node`, an op whose inputs are not weights by role.
fn is_differentiable(node: &Node) -> bool {
    const STEPS: [&str; 15] = [
        "Shape",
        "Size",
        "Equal",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "Not",
        "ArgMax",
        "ArgMin",
        "Ceil",
        "Floor",
        "Round",
        "Sign",
        "Mod",
    ];
    !STEPS.contains(&node.op.as_str())
}

/// Whether `tensor`, read by an elementwise node, is a constant of the architecture.
fn is_architecture_constant(node: &Node, tensor: Option<&Tensor>) -> bool {
    const ELEMENTWISE: [&str; 6] = ["Add", "Sub", "Mul", "Div", "Pow", "Where"];
    let Some(tensor) = tensor.filter(|_| ELEMENTWISE.contains(&node.op.as_str())) else {
        return false;
    };
    tensor.elements() == 1 || (node.op == "Add" && is_mask(tensor))
}

/// Whether every element is 0 or so low that a softmax makes 0 of it, and some are.
fn is_mask(tensor: &Tensor) -> bool {
    if tensor.dtype() != DataType::F32 {
        return false;
    }
    let mut values = floats::from_bytes(tensor.bytes()).into_iter();
    let mut masks = false;
    values.all(|value| {
        masks |= value <= -100.0;
        value == 0.0 || value <= -100.0
    }) && masks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueInfo;

    fn graph(nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        let mut weight = |name: &str, values: &[f32]| {
            let tensor = Tensor::from_values(vec![values.len()], values);
            graph.initializers.insert(name.into(), tensor);
        };
        weight("w", &[1.0, 2.0]);
        weight("scalar", &[2.0]);
        weight("s", &[0.1, 0.2]);
        weight("mask", &[0.0, -100.0]);
        graph.nodes = nodes;
        graph
    }

    #[test]
    fn weights_are_found_behind_nodes_that_move_them() {
        let graph = graph(vec![
            Node::new("Identity", "", &["w"], &["shared"]),
            Node::new("Reshape", "", &["shared", "shape"], &["wide"]),
            Node::new("Mul", "", &["x", "wide"], &["y"]),
        ]);
        assert_eq!(trainable_parameters(&graph), [(0, "w")]);
    }

    #[test]
    fn weights_are_trained_through_their_rounding_and_scales_are_not() {
        let graph = graph(vec![
            Node::new("QuantizeLinear", "", &["w", "s", "z"], &["q"]),
            Node::new("DequantizeLinear", "", &["q", "s", "z"], &["rounded"]),
            Node::new("Mul", "", &["x", "rounded"], &["y"]),
        ]);
        assert_eq!(trainable_parameters(&graph), [(0, "w")]);
    }

    #[test]
    fn constants_masks_and_what_reaches_no_output_are_not_trained() {
        let graph = graph(vec![
            Node::new("Mul", "", &["x", "scalar"], &["a"]),
            Node::new("Add", "", &["a", "mask"], &["y"]),
            Node::new("Add", "", &["a", "w"], &["nowhere"]),
        ]);
        assert!(trainable_parameters(&graph).is_empty());
    }
}
