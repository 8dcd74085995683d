use std::collections::HashSet;

use crate::graph::Graph;
use crate::ops::{Op, Role};

/// The initializers that training may change, in graph order: the index of the first node that
/// reads each, and its name. `ops` are the meanings of the graph's nodes.
///
/// A single number beside an elementwise op is a constant of the architecture, not a parameter.
pub fn trainable_parameters<'g>(graph: &'g Graph, ops: &[Option<Op>]) -> Vec<(usize, &'g str)> {
    let mut seen = HashSet::new();
    let mut parameters = Vec::new();
    for (node_index, (node, op)) in graph.nodes.iter().zip(ops).enumerate() {
        let Some(op) = op else { continue };
        for (index, name) in node.inputs.iter().enumerate() {
            let Some(tensor) = graph.initializers.get(name) else {
                continue;
            };
            let constant = matches!(op, Op::Binary(_)) && tensor.elements() == 1;
            if op.role(index) == Role::Parameter
                && tensor.dtype().is_float()
                && !constant
                && seen.insert(name.as_str())
            {
                parameters.push((node_index, name.as_str()));
            }
        }
    }
    parameters
}
