//! `Constant` nodes turned into initializers.

use std::collections::HashMap;

use crate::graph::Graph;
use crate::ops::constant_of;

/// Turns each `Constant` node into an initializer of the same name, and has the readers of an
/// `Identity` of an initializer read that instead, so that weights are found in one place however
/// they were exported. Returns how many nodes there were.
pub fn lift_constants(graph: &mut Graph) -> usize {
    let before = graph.nodes.len();
    let mut nodes = std::mem::take(&mut graph.nodes);
    let mut lifted = Vec::new();
    nodes.retain(|node| match (constant_of(node), node.outputs.as_slice()) {
        (Some(tensor), [output]) => {
            lifted.push((output.clone(), tensor));
            false
        }
        _ => true,
    });
    graph.initializers.extend(lifted);

    // A name that the graph's outputs have stays with its node.
    let is_output = |name: &String| graph.outputs.iter().any(|output| output.name == *name);
    let mut aliases: HashMap<String, String> = HashMap::new();
    nodes.retain_mut(|node| {
        for input in &mut node.inputs {
            if let Some(name) = aliases.get(input) {
                input.clone_from(name);
            }
        }
        match (node.inputs.as_slice(), node.outputs.as_slice()) {
            ([input], [output])
                if node.op == "Identity"
                    && node.is_onnx()
                    && graph.initializers.contains_key(input)
                    && !is_output(output) =>
            {
                aliases.insert(output.clone(), input.clone());
                false
            }
            _ => true,
        }
    });
    graph
        .value_info
        .retain(|value| !aliases.contains_key(&value.name));
    graph.nodes = nodes;
    graph.ir_version = graph.ir_version.max(4);
    before - graph.nodes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::{Node, ValueInfo};
    use crate::tensor::Tensor;

    #[test]
    fn constants_become_initializers_and_lose_their_aliases() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.outputs.push(ValueInfo::f32("shown", vec![]));
        let tensor = Tensor::from_values(vec![1], &[2f32]);
        graph.nodes = vec![
            Node::new("Constant", "c", &[], &["two"]).with("value", Attribute::Tensor(tensor)),
            Node::new("Constant", "d", &[], &["one"]).with("value_float", Attribute::Float(1.0)),
            Node::new("Identity", "i", &["two"], &["alias"]),
            Node::new("Identity", "j", &["alias"], &["another"]),
            Node::new("Identity", "k", &["alias"], &["shown"]),
            Node::new("Mul", "double", &["x", "another"], &["m"]),
            Node::new("Add", "add", &["m", "one"], &["y"]),
        ];
        assert_eq!(lift_constants(&mut graph), 4);
        graph.check().unwrap();
        assert_eq!(graph.initializers["two"].elements(), 1);
        assert_eq!(graph.nodes[0].inputs, ["two"]);
        assert_eq!(graph.nodes[1].inputs, ["x", "two"]);
        assert_eq!(graph.initializers["one"].to_f32().unwrap(), [1.0]);
    }
}
