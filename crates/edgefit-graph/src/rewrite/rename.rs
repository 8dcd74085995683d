//! Values renamed.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::Graph;

/// Gives the value `from` the name `to` everywhere.
///
/// # Errors
/// Another value has that name.
pub fn rename(graph: &mut Graph, from: &str, to: &str) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let made = graph.nodes.iter().flat_map(|node| &node.outputs);
    let declared = graph.inputs.iter().map(|input| &input.name);
    let stored = graph.initializers.keys();
    if made.chain(declared).chain(stored).any(|name| name == to) {
        return Err(Error::invalid(
            format!("value '{from}'"),
            format!("cannot be called '{to}', as another value is called so"),
        ));
    }
    let used = graph
        .nodes
        .iter_mut()
        .flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs));
    let declared = graph
        .inputs
        .iter_mut()
        .chain(&mut graph.outputs)
        .chain(&mut graph.value_info)
        .map(|value| &mut value.name);
    for name in used.chain(declared).filter(|name| *name == from) {
        *name = to.to_owned();
    }
    if let Some(index) = graph.initializers.get_index_of(from)
        && let Some((_, tensor)) = graph.initializers.shift_remove_index(index)
    {
        graph
            .initializers
            .shift_insert(index, to.to_owned(), tensor);
    }
    Ok(())
}

/// Gives every value that `names` has a new name for that name, everywhere and at once, so that two may
/// swap theirs. The caller sees to it that no two values get the same one.
pub fn rename_all(graph: &mut Graph, names: &HashMap<String, String>) {
    let used = graph
        .nodes
        .iter_mut()
        .flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs));
    let declared = graph
        .inputs
        .iter_mut()
        .chain(&mut graph.outputs)
        .chain(&mut graph.value_info)
        .map(|value| &mut value.name);
    for name in used.chain(declared) {
        if let Some(new) = names.get(name) {
            name.clone_from(new);
        }
    }
    let stored = std::mem::take(&mut graph.initializers).into_iter();
    let renamed = stored.map(|(name, tensor)| match names.get(&name) {
        Some(new) => (new.clone(), tensor),
        None => (name, tensor),
    });
    graph.initializers = renamed.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, ValueInfo};

    #[test]
    fn every_place_is_renamed_and_no_two_values_become_one() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        graph.nodes = vec![
            Node::new("Relu", "", &["x"], &["a"]),
            Node::new("Add", "", &["a", "x"], &["y"]),
        ];
        assert!(rename(&mut graph, "x", "a").is_err());
        rename(&mut graph, "x", "input").unwrap();
        rename(&mut graph, "y", "output").unwrap();
        graph.check().unwrap();
        assert_eq!(graph.nodes[1].inputs, ["a", "input"]);
        assert_eq!(graph.outputs[0].name, "output");
    }
}
