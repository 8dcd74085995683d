//! Class labels inside a model file.

use crate::error::Result;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.labels";

/// Names of the classes in the order of the logits, if the model carries them.
///
/// # Errors
/// The metadata entry is not a JSON list of strings.
pub fn of(graph: &Graph) -> Result<Option<Vec<String>>> {
    metadata::read(graph, KEY)
}

/// Stores the class names in the metadata of the model.
pub fn store(graph: &mut Graph, labels: &[String]) {
    metadata::store(graph, KEY, labels);
}
