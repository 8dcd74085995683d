//! Nodes that hand their input on, dropped.

use std::collections::{HashMap, HashSet};

use crate::graph::Graph;
use crate::train_mode::in_train_mode;

/// Drops Identity nodes and, as at inference, Dropout nodes whose result is no output of the graph.
/// Returns how many there were.
pub fn drop_identities(graph: &mut Graph) -> usize {
    let mut source: HashMap<String, String> = HashMap::new();
    {
        let trains: HashSet<&str> = in_train_mode(graph).map(|(node, _)| node.label()).collect();
        let outputs: Vec<&String> = graph.outputs.iter().map(|output| &output.name).collect();
        for node in &graph.nodes {
            let (Some(x), Some(y)) = (node.input(0), node.outputs.first()) else {
                continue;
            };
            let is_identity = node.is_onnx()
                && matches!(node.op.as_str(), "Identity" | "Dropout")
                && !outputs.contains(&y)
                && node.present_outputs().count() == 1
                && !trains.contains(node.label());
            if is_identity {
                let x = source.get(x).cloned().unwrap_or_else(|| x.to_owned());
                source.insert(y.clone(), x);
            }
        }
    }
    let inputs = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    for input in inputs {
        if let Some(name) = source.get(input) {
            input.clone_from(name);
        }
    }
    super::prune(graph);
    source.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, ValueInfo};

    #[test]
    fn what_hands_its_input_on_goes() {
        let mut graph = Graph::new("g", 17);
        graph.outputs.push(ValueInfo::float("y"));
        graph.nodes = vec![
            Node::new("Identity", "a", &["x"], &["b"]),
            Node::new("Dropout", "b", &["b"], &["c"]),
            Node::new("Relu", "relu", &["c"], &["r"]),
            Node::new("Identity", "named", &["r"], &["y"]),
        ];
        assert_eq!(drop_identities(&mut graph), 2);
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(graph.nodes[0].inputs, ["x"]);
    }
}
