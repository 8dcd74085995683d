//! Class labels inside a model file.

use crate::error::Result;
use crate::foreign_labels;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.labels";

/// Names of the classes in the order of the logits, if the model carries them: edgefit's own entry of
/// the metadata, or what other tools leave there, such as the `names` of Ultralytics.
///
/// # Errors
/// edgefit's entry is not a JSON list of strings.
pub fn of(graph: &Graph) -> Result<Option<Vec<String>>> {
    Ok(metadata::read(graph, KEY)?.or_else(|| foreign_labels::read(graph)))
}

/// Stores the class names in the metadata of the model, also in place of those that another tool left.
pub fn store(graph: &mut Graph, labels: &[String]) {
    foreign_labels::replace(graph, labels);
    metadata::store(graph, KEY, labels);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_another_tool_are_read_and_replaced() {
        let mut graph = Graph::new("g", 17);
        let names = "{0: 'tench', 1: 'goldfish'}";
        graph.metadata.insert("names".into(), names.into());
        assert_eq!(of(&graph).unwrap().unwrap(), ["tench", "goldfish"]);
        store(&mut graph, &["bird".to_owned()]);
        assert_eq!(graph.metadata["names"], "{0: 'bird'}");
        assert_eq!(of(&graph).unwrap().unwrap(), ["bird"]);
    }
}
