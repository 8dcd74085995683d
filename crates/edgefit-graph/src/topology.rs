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

    /// The only reader of `value`, if it has exactly one and is no output of the graph.
    pub fn sole_consumer(&self, value: &str) -> Option<usize> {
        match self.consumers(value) {
            [only] if !self.is_output(value) => Some(*only),
            _ => None,
        }
    }
}

/// For each group of nodes, given by their labels: the names of the graph outputs that depend on one
/// of them.
pub fn outputs_behind<'n>(
    graph: &Graph,
    groups: impl IntoIterator<Item = &'n [String]>,
) -> Vec<Vec<String>> {
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    let mut count = 0;
    for group in groups {
        group_of.extend(group.iter().map(|label| (label.as_str(), count)));
        count += 1;
    }
    let topology = Topology::of(graph);
    let mut behind = vec![Vec::new(); count];
    for output in &graph.outputs {
        // From the output backwards.
        let mut seen = HashSet::new();
        let mut values = vec![output.name.as_str()];
        while let Some(value) = values.pop() {
            let Some(index) = topology.producer(value).filter(|index| seen.insert(*index)) else {
                continue;
            };
            let node = &graph.nodes[index];
            values.extend(node.present_inputs());
            if let Some(&group) = group_of.get(node.label())
                && behind[group].last() != Some(&output.name)
            {
                behind[group].push(output.name.clone());
            }
        }
    }
    behind
}
