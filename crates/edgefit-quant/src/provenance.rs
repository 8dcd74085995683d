//! [`Provenance`]: where a quantised model comes from.

use edgefit_graph::Graph;
use serde::{Deserialize, Serialize};

/// Key of the metadata entry that a quantised model carries.
const KEY: &str = "edgefit.quantization";

/// Where a quantised model comes from; part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the scheme.
    pub scheme: String,
    /// Calibration samples.
    pub calibration_samples: usize,
    /// Seed by which they were drawn.
    pub seed: u64,
    /// SHA-256 of the float model's file, and behind it of those of its external data.
    pub float_sha256: String,
}

impl Provenance {
    /// That of a model which was quantised here.
    pub fn of(graph: &Graph) -> Option<Self> {
        serde_json::from_str(graph.metadata.get(KEY)?).ok()
    }

    /// Stores it in the metadata of the model.
    pub fn store(&self, graph: &mut Graph) {
        let json = serde_json::json!(self).to_string();
        graph.metadata.insert(KEY.into(), json);
    }
}
