//! A Sigmoid, or a scale and an offset, behind the output.

use crate::fresh_names::FreshNames;
use crate::graph::{Graph, Node, ValueInfo};
use crate::tensor::Tensor;

/// Lets the graph end in probabilities: a Sigmoid behind its first output, which keeps its name.
pub fn end_in_sigmoid(graph: &mut Graph) {
    let Some((before, output)) = open_end(graph, "logits") else {
        return;
    };
    let name = FreshNames::of(graph).take(&format!("{output}/sigmoid"));
    graph
        .nodes
        .push(Node::new("Sigmoid", &name, &[&before], &[&output]));
}

/// Lets the first output of the graph, of shape (batch, n), be `output · scale + offset`, of n
/// numbers each; it keeps its name.
pub fn end_in_scale(graph: &mut Graph, scale: &[f32], offset: &[f32]) {
    let Some((before, output)) = open_end(graph, "standard") else {
        return;
    };
    let mut last = before;
    for (op, what, values) in [("Mul", "scale", scale), ("Add", "offset", offset)] {
        let name = FreshNames::of(graph).take(&format!("{output}/{what}"));
        let made = match op {
            "Add" => output.clone(),
            _ => FreshNames::of(graph).take(&format!("{output}/scaled")),
        };
        let tensor = Tensor::from_values(vec![values.len()], values);
        graph.initializers.insert(name.clone(), tensor);
        graph.nodes.push(Node::new(
            op,
            &format!("{name}/node"),
            &[&last, &name],
            &[&made],
        ));
        last = made;
    }
}

/// Renames the value behind the first output, so that nodes can be inserted between; its new and
/// its old name. `None` for a graph without outputs.
fn open_end(graph: &mut Graph, suffix: &str) -> Option<(String, String)> {
    let output = graph.outputs.first()?.name.clone();
    let before = FreshNames::of(graph).take(&format!("{output}/{suffix}"));
    for node in &mut graph.nodes {
        for name in node.outputs.iter_mut().chain(&mut node.inputs) {
            if *name == output {
                name.clone_from(&before);
            }
        }
    }
    graph
        .value_info
        .retain(|value: &ValueInfo| value.name != output);
    Some((before, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
        graph
    }

    #[test]
    fn the_output_keeps_its_name() {
        let mut sigmoid = graph();
        end_in_sigmoid(&mut sigmoid);
        sigmoid.check().unwrap();
        assert_eq!(sigmoid.nodes[0].outputs, ["y/logits"]);
        assert_eq!(sigmoid.nodes[1].outputs, ["y"]);

        let mut scaled = graph();
        end_in_scale(&mut scaled, &[2.0], &[1.0]);
        scaled.check().unwrap();
        let ops: Vec<&str> = scaled.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(ops, ["Relu", "Mul", "Add"]);
        assert_eq!(scaled.nodes[2].outputs, ["y"]);
    }
}
