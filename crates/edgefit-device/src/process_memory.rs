//! How much memory an engine's process takes, as a probe measured it on a machine.

use serde::{Deserialize, Serialize};

use crate::engine_id::EngineId;

/// Resident memory of a process that loads a model into an engine and runs it.
///
/// It has two peaks: while the model is loaded, when weights are there in more than one layout, and
/// in the runs, when activations join what was kept. The higher one counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessMemory {
    /// The engine.
    pub engine: EngineId,
    /// The most while the model is loaded.
    pub loading: PartsMemory,
    /// What is left of it before the first run.
    pub loaded: PartsMemory,
    /// What runs add to that.
    pub running: RunMemory,
}

/// Memory in proportion to the parts of a model: each part times a measured factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartsMemory {
    /// Bytes with the smallest model.
    pub base_bytes: u64,
    /// Copies of each part; for the nodes, bytes each.
    pub copies: ModelParts<f64>,
}

/// What runs add, measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunMemory {
    /// Bytes with the smallest model.
    pub base_bytes: u64,
    /// Times the best arena for the activations.
    pub arenas: f64,
}

/// The parts of a model that engines keep in memory, each in a way of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelParts<T> {
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
    /// Nodes.
    pub nodes: T,
}

impl<T> ModelParts<T> {
    /// The parts, in the order of the fields.
    pub fn parts(self) -> [T; 6] {
        [
            self.dense,
            self.pointwise,
            self.vector,
            self.matrix,
            self.other,
            self.nodes,
        ]
    }
}

impl<T> From<[T; 6]> for ModelParts<T> {
    fn from([dense, pointwise, vector, matrix, other, nodes]: [T; 6]) -> Self {
        ModelParts {
            dense,
            pointwise,
            vector,
            matrix,
            other,
            nodes,
        }
    }
}

impl PartsMemory {
    fn bytes(&self, model: ModelParts<u64>) -> u64 {
        let pairs = self.copies.parts().into_iter().zip(model.parts());
        let sum: f64 = pairs.map(|(copies, bytes)| copies * bytes as f64).sum();
        self.base_bytes.saturating_add(sum.max(0.0) as u64)
    }
}

impl ProcessMemory {
    /// Peak of the resident memory with a model of `parts` whose activations take
    /// `arena_bytes` at best, in bytes.
    pub fn peak_bytes(&self, parts: ModelParts<u64>, arena_bytes: u64) -> u64 {
        let activations = self.running.arenas * arena_bytes as f64;
        let running = self
            .loaded
            .bytes(parts)
            .saturating_add(self.running.base_bytes)
            .saturating_add(activations.max(0.0) as u64);
        self.loading.bytes(parts).max(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_of_two_peaks_counts() {
        let memory = |base_bytes, dense| PartsMemory {
            base_bytes,
            copies: ModelParts {
                dense,
                ..ModelParts::default()
            },
        };
        let process = ProcessMemory {
            engine: EngineId::Tract,
            loading: memory(100, 3.0),
            loaded: memory(90, 1.0),
            running: RunMemory {
                base_bytes: 5,
                arenas: 2.0,
            },
        };
        let parts = ModelParts {
            dense: 10,
            ..ModelParts::default()
        };
        assert_eq!(process.peak_bytes(parts, 0), 130);
        assert_eq!(process.peak_bytes(parts, 100), 90 + 10 + 5 + 200);
    }
}
