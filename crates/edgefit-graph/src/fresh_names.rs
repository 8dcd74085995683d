//! [`FreshNames`]: names that nothing in a graph has yet.

use std::collections::HashSet;

use crate::graph::Graph;

/// Hands out names that neither a value nor a node of a graph has.
///
/// ```
/// use edgefit_graph::{FreshNames, Graph, Node};
///
/// let mut graph = Graph::new("example", 17);
/// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
/// let mut names = FreshNames::of(&graph);
/// assert_eq!(names.take("z"), "z");
/// assert_eq!(names.take("z"), "z_1");
/// assert_eq!(names.take("y"), "y_1");
/// ```
#[derive(Debug, Clone, Default)]
pub struct FreshNames {
    taken: HashSet<String>,
}

impl FreshNames {
    /// Names beside those of `graph` as it is now.
    pub fn of(graph: &Graph) -> Self {
        let nodes = graph.nodes.iter();
        let of_nodes = nodes.flat_map(|node| {
            let values = node.inputs.iter().chain(&node.outputs);
            values.chain(std::iter::once(&node.name))
        });
        let ends = graph.inputs.iter().chain(&graph.outputs);
        let of_ends = ends.map(|value| &value.name);
        let all = of_nodes.chain(of_ends).chain(graph.initializers.keys());
        FreshNames {
            taken: all.cloned().collect(),
        }
    }

    /// Takes names that are given elsewhere.
    pub fn take_all<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.taken.extend(names.into_iter().map(str::to_owned));
    }

    /// `name`, or the first of `name_1`, `name_2` and so on that is free; it is taken from now on.
    pub fn take(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        let mut number = 0;
        while !self.taken.insert(fresh.clone()) {
            number += 1;
            fresh = format!("{name}_{number}");
        }
        fresh
    }
}
