//! How well the rates of a machine predict models that were not among what was measured.

use serde::{Deserialize, Serialize};

use crate::profile::ElementType;

/// Error of the latencies predicted from the rates of one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The engine.
    pub engine: String,
    /// Type of weights and activations.
    pub element_type: ElementType,
    /// Threads.
    pub threads: u32,
    /// Number of held-out models that were predicted and measured.
    pub models: u32,
    /// Relative error that 90 % of the held-out models stay below.
    pub error_p90: f64,
}
