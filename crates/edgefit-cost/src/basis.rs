//! How a figure of this crate is known.

use serde::Serialize;

/// How a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedBasis {
    /// Measured by running the model.
    Measured,
    /// Predicted from what a probe measured on this device.
    Calibrated,
    /// Counted from the model, and from data-sheet figures.
    Estimate,
}
