//! What a probe found on a machine: how much memory an engine's process takes.

use serde::{Deserialize, Serialize};

/// Resident memory of a process that loads a model into an engine and runs it.
///
/// It has two peaks: while the model is loaded, when weights are there in more than one layout, and
/// in the runs, when activations join what was kept. The higher one counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// The engine.
    pub engine: String,
    /// The most while the model is loaded.
    pub loading: Held,
    /// What is left of it before the first run.
    pub loaded: Held,
    /// What runs add to that.
    pub running: Running,
}

/// A sum over what a model holds, each part times a measured factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Bytes with the smallest model.
    pub base_bytes: u64,
    /// Copies of each part; for the nodes, bytes each.
    pub copies: Holdings<f64>,
}

/// What runs add, measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// Bytes with the smallest model.
    pub base_bytes: u64,
    /// Times the best arena for the activations.
    pub arenas: f64,
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
    /// Nodes.
    pub nodes: T,
}

impl<T> Holdings<T> {
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

impl<T> From<[T; 6]> for Holdings<T> {
    fn from([dense, pointwise, vector, matrix, other, nodes]: [T; 6]) -> Self {
        Holdings {
            dense,
            pointwise,
            vector,
            matrix,
            other,
            nodes,
        }
    }
}

impl Held {
    fn bytes(&self, holdings: Holdings<u64>) -> u64 {
        let parts = self.copies.parts().into_iter().zip(holdings.parts());
        let sum: f64 = parts.map(|(copies, bytes)| copies * bytes as f64).sum();
        self.base_bytes.saturating_add(sum.max(0.0) as u64)
    }
}

impl Footprint {
    /// Peak of the resident memory with a model that holds `holdings` and whose activations take
    /// `arena_bytes` at best, in bytes.
    pub fn peak_bytes(&self, holdings: Holdings<u64>, arena_bytes: u64) -> u64 {
        let activations = self.running.arenas * arena_bytes as f64;
        let running = self
            .loaded
            .bytes(holdings)
            .saturating_add(self.running.base_bytes)
            .saturating_add(activations.max(0.0) as u64);
        self.loading.bytes(holdings).max(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_of_two_peaks_counts() {
        let held = |base_bytes, dense| Held {
            base_bytes,
            copies: Holdings {
                dense,
                ..Holdings::default()
            },
        };
        let footprint = Footprint {
            engine: "tract".into(),
            loading: held(100, 3.0),
            loaded: held(90, 1.0),
            running: Running {
                base_bytes: 5,
                arenas: 2.0,
            },
        };
        let holdings = Holdings {
            dense: 10,
            ..Holdings::default()
        };
        assert_eq!(footprint.peak_bytes(holdings, 0), 130);
        assert_eq!(footprint.peak_bytes(holdings, 100), 90 + 10 + 5 + 200);
    }
}
