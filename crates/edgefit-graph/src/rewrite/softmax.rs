use crate::graph::{Graph, Node};
use crate::topology::Topology;

/// A Softmax or Sigmoid that [`cut_softmax`] took off the end of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct CutSoftmax(Node);

/// Takes a trailing Softmax, LogSoftmax or Sigmoid off the graph's only output, so that the graph
/// ends in logits, as losses want them. The output keeps its name.
pub fn cut_softmax(graph: &mut Graph) -> Option<CutSoftmax> {
    let [output] = graph.outputs.as_slice() else {
        return None;
    };
    let output = output.name.clone();
    let topology = Topology::of(graph);
    let last = topology.producer(&output)?;
    if !matches!(
        graph.nodes[last].op.as_str(),
        "Softmax" | "LogSoftmax" | "Sigmoid"
    ) {
        return None;
    }
    let logits = graph.nodes[last].input(0)?.to_owned();
    let before = topology.producer(&logits)?;
    topology.sole_consumer(&logits)?;

    let node = graph.nodes.remove(last);
    let slot = graph.nodes[before]
        .outputs
        .iter_mut()
        .find(|name| **name == logits)?;
    *slot = output;
    graph.value_info.retain(|value| value.name != logits);
    Some(CutSoftmax(node))
}

impl CutSoftmax {
    /// Puts the node back where it was.
    pub fn restore(self, graph: &mut Graph) {
        let (output, logits) = (&self.0.outputs[0], &self.0.inputs[0]);
        for node in &mut graph.nodes {
            for name in node.outputs.iter_mut().chain(&mut node.inputs) {
                if name == output {
                    name.clone_from(logits);
                }
            }
        }
        graph.nodes.push(self.0);
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
        let whole = graph.clone();
        let cut = cut_softmax(&mut graph).unwrap();
        graph.check().unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(cut_softmax(&mut graph), None);
        cut.restore(&mut graph);
        assert_eq!(graph, whole);
    }
}
