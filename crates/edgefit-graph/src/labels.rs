//! Class labels inside a model file.

use crate::error::{Error, Result};
use crate::graph::Graph;

const KEY: &str = "edgefit.labels";

/// Names of the classes in the order of the logits, if the model carries them.
///
/// # Errors
/// The metadata entry is not a JSON list of strings.
pub fn of(graph: &Graph) -> Result<Option<Vec<String>>> {
    graph
        .metadata
        .get(KEY)
        .map(|json| {
            serde_json::from_str(json)
                .map_err(|error| Error::invalid(format!("metadata '{KEY}'"), error.to_string()))
        })
        .transpose()
}

/// Puts the class names into the model.
pub fn store(graph: &mut Graph, labels: &[String]) {
    graph
        .metadata
        .insert(KEY.into(), serde_json::json!(labels).to_string());
}
