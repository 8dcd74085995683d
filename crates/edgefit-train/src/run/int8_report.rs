//! What stage int8 made.

use edgefit_quant::Comparison;
use serde::Serialize;

use crate::evaluate::flips::Flip;
use crate::evaluate::metrics::Metrics;
use crate::run::exported_file::Exported;

/// The quantised model of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Int8Report {
    /// Name of the scheme.
    pub scheme: String,
    /// Training samples that calibrated it.
    pub calibration_samples: usize,
    /// As quantisation alone left it.
    pub quantized: Int8Figures,
    /// As training left it; `None` where it was not trained.
    pub trained: Option<Int8Figures>,
    /// Which of both was written: the better one on the validation samples.
    pub kept: Origin,
    /// That one against the float model on the test samples.
    pub test: Option<Comparison>,
    /// Its own figures on the test samples.
    pub test_metrics: Option<Metrics>,
    /// The test samples of which it says something else than the float model, those that the float model was surest
    /// of first.
    pub flips: Vec<Flip>,
    /// The file.
    pub exported: Exported,
}

/// How a quantised model does on the validation samples.
#[derive(Debug, Clone, Serialize)]
pub struct Int8Figures {
    /// Accuracy; `None` for regression.
    pub val_accuracy: Option<f64>,
    /// Loss.
    pub val_loss: f64,
    /// Against the float model.
    pub val: Option<Comparison>,
}

/// Where the integers of a model come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Quantisation alone.
    Quantization,
    /// Training after it.
    Training,
}
