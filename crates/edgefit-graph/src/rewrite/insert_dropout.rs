//! Dropout in front of values, for training.

use crate::attribute::Attribute;
use crate::graph::{Graph, Node};
use crate::tensor::Tensor;

/// The same graph with a dropout of `ratio` in front of everything that reads one of `values`, for
/// training only.
pub fn dropout_before(graph: &Graph, values: &[String], ratio: f32) -> Graph {
    let mut dropping = graph.clone();
    for value in values {
        let dropped = format!("{value}/dropout");
        let reads = |node: &Node| node.inputs.contains(value);
        let Some(first) = dropping.nodes.iter().position(reads) else {
            continue;
        };
        for node in &mut dropping.nodes {
            for input in node.inputs.iter_mut().filter(|input| *input == value) {
                input.clone_from(&dropped);
            }
        }
        // An attribute up to opset 11, an input from 12 on.
        let node = match graph.opset() {
            ..12 => Node::new("Dropout", &dropped, &[value], &[&dropped])
                .with("ratio", Attribute::Float(ratio)),
            _ => {
                let name = format!("{dropped}/ratio");
                let number = Tensor::from_values(vec![], &[ratio]);
                dropping.initializers.insert(name.clone(), number);
                Node::new("Dropout", &dropped, &[value, &name], &[&dropped])
            }
        };
        dropping.nodes.insert(first, node);
    }
    dropping
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueInfo;

    #[test]
    fn every_reader_reads_what_was_dropped() {
        for opset in [11, 17] {
            let mut graph = Graph::new("two", opset);
            graph.inputs.push(ValueInfo::f32("x", vec![]));
            graph.outputs.push(ValueInfo::f32("y", vec![]));
            graph.nodes = vec![
                Node::new("Relu", "a", &["x"], &["f"]),
                Node::new("Add", "b", &["f", "f"], &["y"]),
            ];
            let dropping = dropout_before(&graph, &["f".into(), "absent".into()], 0.5);
            dropping.check().unwrap();
            assert_eq!(dropping.nodes.len(), 3);
            assert_eq!(dropping.nodes[1].op, "Dropout");
            assert_eq!(dropping.nodes[2].inputs, ["f/dropout", "f/dropout"]);
        }
    }
}
