//! Nodes and initializers that no output depends on, dropped.

use std::collections::HashSet;

use crate::graph::Graph;

/// Drops nodes, initializers and declarations that no output depends on.
pub fn prune(graph: &mut Graph) {
    let mut needed: HashSet<String> = graph
        .outputs
        .iter()
        .map(|output| output.name.clone())
        .collect();
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.drain(..).rev() {
        if node.present_outputs().any(|output| needed.contains(output)) {
            needed.extend(node.present_inputs().map(str::to_owned));
            kept.push(node);
        }
    }
    kept.reverse();
    graph.nodes = kept;

    let initializers = &mut graph.initializers;
    graph
        .inputs
        .retain(|input| needed.contains(&input.name) || !initializers.contains_key(&input.name));
    initializers.retain(|name, _| needed.contains(name));
    let made: HashSet<&str> = graph
        .nodes
        .iter()
        .flat_map(|node| node.present_outputs())
        .collect();
    graph
        .value_info
        .retain(|value| made.contains(value.name.as_str()));
}
