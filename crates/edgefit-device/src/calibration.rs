//! How well the rates of a machine predict models that were not among what was measured.

use serde::{Deserialize, Serialize};

use crate::element_type::ElementType;
use crate::engine_id::EngineId;
use crate::rates::RunSetup;

/// Error of the latencies predicted from the rates of one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The engine.
    pub engine: EngineId,
    /// Type of weights and activations.
    pub element_type: ElementType,
    /// Threads.
    pub threads: u32,
    /// Number of held-out models that were predicted and measured.
    pub models: u32,
    /// Relative error that 90 % of the held-out models stay below.
    pub error_p90: f64,
}

impl Calibration {
    /// What it is of.
    pub fn setup(&self) -> RunSetup<'_> {
        RunSetup {
            engine: &self.engine,
            element_type: self.element_type,
            threads: self.threads,
        }
    }
}
