//! Entries of a model's metadata that hold JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::graph::Graph;

/// What the model says under `key`, if anything.
///
/// # Errors
/// The entry does not say what is expected.
pub(crate) fn read<T: DeserializeOwned>(graph: &Graph, key: &str) -> Result<Option<T>> {
    let json = graph
        .metadata
        .get(key)
        .map(|json| serde_json::from_str(json));
    json.transpose()
        .map_err(|error| fail(key, error.to_string()))
}

/// Lets the model say `value` under `key`.
pub(crate) fn store(graph: &mut Graph, key: &str, value: impl Serialize) {
    graph
        .metadata
        .insert(key.into(), serde_json::json!(value).to_string());
}

/// An entry that cannot be used.
pub(crate) fn fail(key: &str, problem: String) -> Error {
    Error::invalid(format!("metadata '{key}'"), problem)
}

/// Whether every value is finite, as means have to be; and every `std` above 0 besides.
pub(crate) fn usable(mean: &[f32], std: &[f32]) -> bool {
    let finite = |value: &f32| value.is_finite();
    mean.iter().all(finite) && std.iter().all(|value| finite(value) && *value > 0.0)
}
