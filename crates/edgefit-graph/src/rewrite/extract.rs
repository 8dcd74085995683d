//! A part of a graph, between given values.

use std::collections::HashSet;

use super::prune::prune;
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueInfo};

/// The part of `graph` that makes `outputs` from `inputs`.
///
/// Splitting at a freeze boundary is two calls: inputs of the graph → boundary, and boundary →
/// outputs of the graph. Nodes, initializers and metadata keep their names.
///
/// # Errors
/// The part needs a value that is neither in `inputs` nor computed from them; the error names it.
pub fn extract(graph: &Graph, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Result<Graph> {
    let given: HashSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let mut part = graph.clone();
    part.inputs = inputs.to_vec();
    part.outputs = outputs.to_vec();
    // A node whose result is given is not run, so what only it needs falls away too.
    part.nodes
        .retain(|node| !node.present_outputs().any(|output| given.contains(output)));
    let made: HashSet<String> = part
        .nodes
        .iter()
        .flat_map(|node| node.present_outputs())
        .map(str::to_owned)
        .collect();
    prune(&mut part);
    for node in &part.nodes {
        for name in node.present_inputs() {
            let there =
                given.contains(name) || made.contains(name) || part.initializers.contains_key(name);
            if !there {
                return Err(Error::invalid(
                    node.place(),
                    format!(
                        "needs '{name}', which goes around the boundary; split where a single \
                         value carries everything"
                    ),
                ));
            }
        }
    }
    part.check()?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;
    use crate::tensor::Tensor;

    /// x → relu → a → (+ w) → b → (+ a) → y
    fn residual() -> Graph {
        let mut graph = Graph::new("residual", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(vec![1], &[1f32]));
        graph.nodes = vec![
            Node::new("Relu", "relu", &["x"], &["a"]),
            Node::new("Add", "bias", &["a", "w"], &["b"]),
            Node::new("Add", "skip", &["b", "a"], &["y"]),
        ];
        graph
    }

    #[test]
    fn the_two_sides_of_a_boundary_share_nothing() {
        let graph = residual();
        let boundary = [ValueInfo::f32("a", vec![])];
        let below = extract(&graph, &graph.inputs, &boundary).unwrap();
        assert_eq!(below.nodes.len(), 1);
        assert!(below.initializers.is_empty());
        let above = extract(&graph, &boundary, &graph.outputs).unwrap();
        assert_eq!(above.nodes.len(), 2);
        assert!(above.initializers.contains_key("w"));
    }

    #[test]
    fn a_value_that_goes_around_the_boundary_is_named() {
        let graph = residual();
        let boundary = [ValueInfo::f32("b", vec![])];
        let error = extract(&graph, &boundary, &graph.outputs).unwrap_err();
        assert!(error.to_string().contains("needs 'x'"), "{error}");
    }
}
