//! The Softmax or Sigmoid at the end of a graph, taken off and restored.

use crate::graph::{Graph, Node};
use crate::topology::Topology;

/// A Softmax or Sigmoid that [`cut_softmax`] took off the end of a graph, and what renames its
/// result.
#[derive(Debug, Clone, PartialEq)]
pub struct CutSoftmax(Vec<Node>);

/// Takes a trailing Softmax, LogSoftmax or Sigmoid off the graph's only output, so that the graph
/// ends in logits, as losses want them. The output keeps its name.
pub fn cut_softmax(graph: &mut Graph) -> Option<CutSoftmax> {
    let [output] = graph.outputs.as_slice() else {
        return None;
    };
    let output = output.name.clone();
    let topology = Topology::of(graph);
    // From the output backwards.
    let mut cut = vec![topology.producer(&output)?];
    loop {
        let node = &graph.nodes[*cut.last()?];
        let before = topology.producer(node.input(0)?)?;
        topology.sole_consumer(node.input(0)?)?;
        match node.op.as_str() {
            "Softmax" | "LogSoftmax" | "Sigmoid" => break,
            "Identity" => cut.push(before),
            _ => return None,
        }
    }
    let logits = graph.nodes[*cut.last()?].input(0)?.to_owned();
    let before = topology.producer(&logits)?;
    let slot = graph.nodes[before]
        .outputs
        .iter_mut()
        .find(|name| **name == logits)?;
    slot.clone_from(&output);
    cut.sort_unstable();
    let mut nodes = Vec::with_capacity(cut.len());
    for index in cut.into_iter().rev() {
        nodes.insert(0, graph.nodes.remove(index));
    }
    let gone: Vec<&str> = nodes.iter().flat_map(Node::present_inputs).collect();
    graph
        .value_info
        .retain(|value| !gone.contains(&value.name.as_str()));
    Some(CutSoftmax(nodes))
}

impl CutSoftmax {
    /// Name of the node that was taken off.
    pub fn node(&self) -> &str {
        let named = self.0.iter().find(|node| node.op != "Identity");
        named.map_or("", Node::label)
    }

    /// Restores the nodes.
    pub fn restore(self, graph: &mut Graph) {
        let first = self.0.first().and_then(|node| node.input(0));
        let last = self.0.last().and_then(|node| node.outputs.first());
        if let (Some(logits), Some(output)) = (first, last) {
            for node in &mut graph.nodes {
                for name in node.outputs.iter_mut().chain(&mut node.inputs) {
                    if name == output {
                        logits.clone_into(name);
                    }
                }
            }
        }
        graph.nodes.extend(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueInfo;

    #[test]
    fn cut_and_restored_is_as_before() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("probabilities", vec![]));
        graph.nodes = vec![
            Node::new("Relu", "relu", &["x"], &["logits"]),
            Node::new("Softmax", "softmax", &["logits"], &["probabilities"]),
        ];
        graph.nodes[1].outputs[0] = "p".into();
        let rename = Node::new("Identity", "rename", &["p"], &["probabilities"]);
        graph.nodes.push(rename);
        let whole = graph.clone();
        let cut = cut_softmax(&mut graph).unwrap();
        graph.check().unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(cut_softmax(&mut graph), None);
        cut.restore(&mut graph);
        assert_eq!(graph, whole);
    }
}
