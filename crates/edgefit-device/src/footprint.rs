//! What a probe found on a machine: how much memory an engine's process takes.

use serde::{Deserialize, Serialize};

/// Peak of the resident memory of a process that loads a model into an engine and runs it: a sum
/// over what the model holds, each part times a measured factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// The engine.
    pub engine: String,
    /// Bytes of a process with the smallest model.
    pub base_bytes: u64,
    /// Copies of each part that the process holds at its peak.
    pub copies: Holdings<f64>,
}

/// The parts of a model that engines keep in memory, each in a way of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdings<T> {
    /// Weights of convolutions larger than 1×1, in bytes.
    pub dense: T,
    /// Weights of 1×1 convolutions, in bytes.
    pub pointwise: T,
    /// Weights of products of one row with a matrix, in bytes.
    pub vector: T,
    /// Weights of products of several rows with a matrix, in bytes.
    pub matrix: T,
    /// All other constants, in bytes.
    pub other: T,
    /// Activations in the best arena, in bytes.
    pub arena: T,
    /// Nodes; their factor is bytes each.
    pub nodes: T,
}

impl<T> Holdings<T> {
    /// The parts, in the order of the fields.
    pub fn parts(self) -> [T; 7] {
        [
            self.dense,
            self.pointwise,
            self.vector,
            self.matrix,
            self.other,
            self.arena,
            self.nodes,
        ]
    }
}

impl<T> From<[T; 7]> for Holdings<T> {
    fn from([dense, pointwise, vector, matrix, other, arena, nodes]: [T; 7]) -> Self {
        Holdings {
            dense,
            pointwise,
            vector,
            matrix,
            other,
            arena,
            nodes,
        }
    }
}

impl Footprint {
    /// Peak of the resident memory with a model that holds `holdings`, in bytes.
    pub fn peak_bytes(&self, holdings: Holdings<u64>) -> u64 {
        let parts = self.copies.parts().into_iter().zip(holdings.parts());
        let sum: f64 = parts.map(|(copies, bytes)| copies * bytes as f64).sum();
        self.base_bytes.saturating_add(sum.max(0.0) as u64)
    }
}
