//! Who makes a value and who reads it.

use std::collections::{HashMap, HashSet};

use crate::graph::Graph;

/// Producer and consumers of every value, as node indices.
pub struct Topology<'g> {
    producers: HashMap<&'g str, usize>,
    consumers: HashMap<&'g str, Vec<usize>>,
    outputs: HashSet<&'g str>,
}

impl<'g> Topology<'g> {
    /// The links of `graph` as it is now.
    pub fn of(graph: &'g Graph) -> Self {
        let mut producers = HashMap::new();
        let mut consumers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            for output in node.present_outputs() {
                producers.insert(output, index);
            }
            for input in node.present_inputs() {
                consumers.entry(input).or_default().push(index);
            }
        }
        Topology {
            producers,
            consumers,
            outputs: graph
                .outputs
                .iter()
                .map(|output| output.name.as_str())
                .collect(),
        }
    }

    /// The node that makes `value`; none for inputs and initializers.
    pub fn producer(&self, value: &str) -> Option<usize> {
        self.producers.get(value).copied()
    }

    /// The nodes that read `value`, one entry for each time they do.
    pub fn consumers(&self, value: &str) -> &[usize] {
        self.consumers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether `value` is an output of the graph.
    pub fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// The only reader of `value`, if it has exactly one and does not leave the graph.
    pub fn sole_consumer(&self, value: &str) -> Option<usize> {
        match self.consumers(value) {
            [only] if !self.is_output(value) => Some(*only),
            _ => None,
        }
    }
}

/// Names of the graph outputs that depend on a node called by one of the labels `nodes`.
pub fn outputs_behind(graph: &Graph, nodes: &[String]) -> Vec<String> {
    let named: HashSet<&str> = nodes.iter().map(String::as_str).collect();
    let mut tainted: HashSet<&str> = HashSet::new();
    for node in &graph.nodes {
        if named.contains(node.label())
            || node.present_inputs().any(|input| tainted.contains(input))
        {
            tainted.extend(node.present_outputs());
        }
    }
    let outputs = graph.outputs.iter().map(|output| &output.name);
    outputs
        .filter(|name| tainted.contains(name.as_str()))
        .cloned()
        .collect()
}
