//! What a graph shows of normalisation, dropout and biases (EF02, EF12).

use std::collections::HashSet;

use edgefit_graph::topology::Topology;
use edgefit_graph::train_mode::{Training, in_train_mode};
use edgefit_graph::{Graph, Node};
use edgefit_guards::Finding;
use edgefit_guards::ef02_eval_mode::{ExportedGraph, FrozenLayer};
use edgefit_guards::ef12_bias::{Convolution, check_convolutions};

const NORMALISATIONS: [&str; 4] = [
    "BatchNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "GroupNormalization",
];

/// Ops that are linear in what they read, so that an offset may as well come behind them.
const LINEAR: [&str; 12] = [
    "Add",
    "Sub",
    "Concat",
    "Identity",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "AveragePool",
    "GlobalAveragePool",
    "Dropout",
];

/// Convolutions without any offset behind them (EF12).
pub(super) fn convolutions(graph: &Graph) -> Finding {
    let topology = Topology::of(graph);
    let constants = constants(graph);
    let convolutions = graph.nodes.iter().filter(|node| node.op == "Conv");
    let convolutions: Vec<Convolution> = convolutions
        .map(|node| Convolution {
            name: node.label().to_owned(),
            bias: node.input(2).is_some(),
            normalised: shifted(graph, &topology, &constants, node),
        })
        .collect();
    check_convolutions(&convolutions)
}

/// Initializers, and what is computed from them alone.
fn constants(graph: &Graph) -> HashSet<&str> {
    let initializers = graph.initializers.keys().map(String::as_str);
    let mut constants: HashSet<&str> = initializers.collect();
    for node in &graph.nodes {
        if node.present_inputs().all(|name| constants.contains(name)) {
            constants.extend(node.present_outputs());
        }
    }
    constants
}

/// Whether something shifts what `node` makes before anything bends it: normalisation, a constant
/// that is added, or another layer, which has an offset of its own.
fn shifted(graph: &Graph, topology: &Topology, constants: &HashSet<&str>, node: &Node) -> bool {
    let mut seen = HashSet::new();
    let mut ahead: Vec<&str> = node.present_outputs().collect();
    while let Some(value) = ahead.pop() {
        for &reader in topology.consumers(value) {
            let reader = &graph.nodes[reader];
            let op = reader.op.as_str();
            let constant = |name: &str| constants.contains(name);
            let adds = ["Add", "Sub"].contains(&op) && reader.present_inputs().any(constant);
            let layer = ["Conv", "Gemm", "MatMul", "ConvTranspose"].contains(&op);
            if adds || layer || NORMALISATIONS.contains(&op) {
                return true;
            }
            let scales = ["Mul", "Div"].contains(&op) && reader.present_inputs().any(constant);
            if LINEAR.contains(&op) || scales {
                let new = reader
                    .present_outputs()
                    .filter(|output| seen.insert(*output));
                ahead.extend(new);
            }
        }
    }
    false
}

/// Nodes of an exported graph that behave as in training.
pub(super) fn left_in_train_mode(graph: &Graph) -> ExportedGraph {
    let named = |wanted: Training| {
        let nodes = in_train_mode(graph).filter(|(_, training)| *training == wanted);
        nodes.map(|(node, _)| node.label().to_owned()).collect()
    };
    ExportedGraph {
        training_normalisation: named(Training::Normalization),
        active_dropout: named(Training::Dropout),
    }
}

/// How far the statistics of normalisation moved whose scale did not.
pub(super) fn frozen(before: &Graph, after: &Graph) -> Vec<FrozenLayer> {
    let values = |graph: &Graph, name: &str| graph.initializers.get(name)?.to_f32().ok();
    let nodes = before
        .nodes
        .iter()
        .filter(|node| node.op == "BatchNormalization");
    nodes
        .filter_map(|node| {
            let scale = node.input(1)?;
            if values(before, scale)? != values(after, scale)? {
                return None;
            }
            let change = [3, 4].into_iter().filter_map(|at| {
                let name = node.input(at)?;
                let (old, new) = (values(before, name)?, values(after, name)?);
                let relative = |(old, new): (&f32, &f32)| {
                    f64::from((new - old).abs()) / f64::from(old.abs()).max(1e-12)
                };
                Some(old.iter().zip(&new).map(relative).fold(0.0, f64::max))
            });
            Some(FrozenLayer {
                name: node.label().to_owned(),
                relative_change: change.fold(0.0, f64::max),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Tensor, ValueInfo};
    use edgefit_guards::Status;

    use super::*;

    /// x → conv → add `offset` → relu → y
    fn graph(offset: &str) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        for name in ["k", "w"] {
            let one = Tensor::from_values(vec![1], &[1f32]);
            graph.initializers.insert(name.into(), one);
        }
        graph.nodes = vec![
            Node::new("Conv", "conv", &["x", "k"], &["a"]),
            Node::new("Identity", "same", &["a"], &["b"]),
            Node::new("Add", "add", &["b", offset], &["c"]),
            Node::new("Relu", "relu", &["c"], &["y"]),
        ];
        graph
    }

    #[test]
    fn a_convolution_needs_an_offset_before_it_is_bent() {
        assert_eq!(convolutions(&graph("w")).status, Status::Pass);
        let finding = convolutions(&graph("x"));
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.message.contains("conv"));
    }
}
