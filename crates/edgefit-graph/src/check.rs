//! The invariants of a [`Graph`].

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::graph::Graph;

impl Graph {
    /// Checks names and order: every value is made once, before it is read.
    ///
    /// ```
    /// use edgefit_graph::{Graph, Node, ValueInfo};
    ///
    /// let mut graph = Graph::new("example", 17);
    /// graph.inputs.push(ValueInfo::float("x"));
    /// graph.outputs.push(ValueInfo::float("y"));
    /// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
    /// graph.check()?;
    ///
    /// graph.nodes[0].inputs[0] = "z".into();
    /// let error = graph.check().unwrap_err();
    /// assert!(error.to_string().contains("reads 'z' which nothing makes"));
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first node or value that breaks the rule, by name.
    pub fn check(&self) -> Result<()> {
        let mut inputs = HashSet::new();
        for input in &self.inputs {
            if input.name.is_empty() || !inputs.insert(input.name.as_str()) {
                return Err(Error::invalid(
                    format!("graph input '{}'", input.name),
                    "has no name of its own; names must be unique",
                ));
            }
        }
        let mut known = inputs;
        known.extend(self.initializers.keys().map(String::as_str));
        let made_somewhere: HashSet<&str> = self
            .nodes
            .iter()
            .flat_map(|node| node.present_outputs())
            .collect();
        for node in &self.nodes {
            if node.op.is_empty() {
                return Err(Error::invalid(node.place(), "has no op_type"));
            }
            if !node.is_onnx() && !self.opsets.contains_key(&node.domain) {
                let problem = format!(
                    "its field 'domain' says '{}', of which the model does not import a version",
                    node.domain
                );
                return Err(Error::invalid(node.place(), problem));
            }
            for input in node.present_inputs() {
                if !known.contains(input) {
                    let problem = if made_somewhere.contains(input) {
                        "before it is made; the nodes are out of order or form a cycle"
                    } else {
                        "which nothing makes; an initializer or a node is missing"
                    };
                    return Err(Error::invalid(
                        node.place(),
                        format!("reads '{input}' {problem}"),
                    ));
                }
            }
            for output in node.present_outputs() {
                if !known.insert(output) {
                    return Err(Error::invalid(
                        node.place(),
                        format!("makes '{output}' a second time; names must be unique"),
                    ));
                }
            }
        }
        for output in &self.outputs {
            if !known.contains(output.name.as_str()) {
                return Err(Error::invalid(
                    format!("graph output '{}'", output.name),
                    "is made by no node",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Dim, Graph, Node, ValueInfo};

    fn chain(nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("chain", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1)]));
        graph.outputs.push(ValueInfo::f32("y", vec![Dim::Known(1)]));
        graph.nodes = nodes;
        graph
    }

    #[test]
    fn broken_graphs_are_named() {
        let relu = |input, output| Node::new("Relu", output, &[input], &[output]);
        let cases = [
            (vec![relu("x", "y")], None),
            (vec![relu("a", "y"), relu("x", "a")], Some("out of order")),
            (
                vec![relu("a", "b"), relu("b", "a"), relu("x", "y")],
                Some("cycle"),
            ),
            (vec![relu("lost", "y")], Some("which nothing makes")),
            (vec![relu("x", "y"), relu("x", "y")], Some("a second time")),
            (vec![relu("x", "x")], Some("a second time")),
            (vec![relu("x", "z")], Some("made by no node")),
            (vec![Node::new("", "n", &["x"], &["y"])], Some("op_type")),
            (
                vec![Node {
                    domain: "my.own".into(),
                    ..relu("x", "y")
                }],
                Some("'domain' says 'my.own'"),
            ),
        ];
        for (nodes, expected) in cases {
            let result = chain(nodes.clone()).check();
            match expected {
                None => result.unwrap(),
                Some(text) => {
                    let error = result.unwrap_err().to_string();
                    assert!(error.contains(text), "{nodes:?}: {error}");
                }
            }
        }
    }
}
