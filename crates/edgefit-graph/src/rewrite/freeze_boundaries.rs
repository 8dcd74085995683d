//! Where a graph can be cut in two: one value carries everything that the rest needs.

use std::collections::{HashMap, HashSet};

use crate::graph::Graph;

/// A point where a graph can be cut in two: one value carries everything that the rest needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Index of the node that makes the value.
    pub node: usize,
    /// Name of the value.
    pub value: String,
}

/// All points, in graph order, behind which exactly one value is read that depends on the inputs.
///
/// Initializers and what is computed from them alone may be read on both sides.
pub fn boundaries(graph: &Graph) -> Vec<Boundary> {
    let mut last_read: HashMap<&str, usize> = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for name in node.present_inputs() {
            last_read.insert(name, index);
        }
    }
    for output in &graph.outputs {
        last_read.insert(&output.name, graph.nodes.len());
    }
    let inputs = graph.free_inputs().map(|input| input.name.as_str());
    // Values from the inputs that are still to be read.
    let mut flowing: HashSet<&str> = inputs.collect();
    let mut found = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let fed = node.present_inputs().any(|name| flowing.contains(name));
        if fed {
            flowing.extend(node.present_outputs());
        }
        flowing.retain(|name| last_read.get(name).is_some_and(|&last| last > index));
        let mut left = flowing.iter();
        if let (true, Some(value), None) = (fed, left.next(), left.next())
            && node.present_outputs().any(|output| output == *value)
        {
            found.push(Boundary {
                node: index,
                value: (*value).to_owned(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, ValueInfo};
    use crate::tensor::Tensor;

    #[test]
    fn a_residual_branch_is_not_cut() {
        // x → a → (b, and around it) → c → d → y, with a constant on both sides.
        let mut graph = Graph::new("residual", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let one = Tensor::from_values(vec![1], &[1f32]);
        graph.initializers.insert("w".into(), one);
        graph.nodes = vec![
            Node::new("Identity", "constant", &["w"], &["v"]),
            Node::new("Relu", "first", &["x"], &["a"]),
            Node::new("Mul", "scale", &["a", "v"], &["b"]),
            Node::new("Add", "skip", &["b", "a"], &["c"]),
            Node::new("Mul", "again", &["c", "v"], &["d"]),
            Node::new("Relu", "last", &["d"], &["y"]),
        ];
        let found = boundaries(&graph);
        let names: Vec<&str> = found.iter().map(|cut| cut.value.as_str()).collect();
        assert_eq!(names, ["a", "c", "d", "y"]);
        assert_eq!(found[1].node, 3);
    }
}
