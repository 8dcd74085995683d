//! Figures of one class.

use serde::{Deserialize, Serialize};

/// Figures of one class. A share of nothing is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Samples of the class.
    pub samples: usize,
    /// Share of what was called so that is so.
    pub precision: f64,
    /// Share of the class that was recognised.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}
