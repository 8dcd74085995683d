//! What a training job found out: `report.json`.

use std::path::PathBuf;

use edgefit_graph::Task;
use serde::Deserialize;

use super::check::Check;
use super::metrics::Metrics;

/// `report.json` of a run.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Training {
    #[serde(flatten)]
    pub origin: Origin,
    pub task: Task,
    pub classes: Vec<String>,
    pub counts: Vec<Counts>,
    pub unreadable: Vec<Unreadable>,
    pub engine: String,
    pub class_weights: Vec<f32>,
    pub stages: Vec<Stage>,
    pub val: Metrics,
    pub test: Metrics,
    pub mistakes: Vec<Mistake>,
    pub baselines: Vec<Baseline>,
    pub guards: Vec<Finding>,
    pub interrupted: bool,
    pub exported: Exported,
    pub int8: Option<Int8>,
    pub parity: Vec<Pair>,
    pub check: Check,
    pub timing: Timing,
}

impl Training {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.train/1";

    /// The baseline that comes nearest on the test samples.
    pub fn best_baseline(&self) -> Option<&Baseline> {
        let by_score = |a: &&Baseline, b: &&Baseline| a.test.score().0.total_cmp(&b.test.score().0);
        self.baselines.iter().max_by(by_score)
    }

    /// The guards that ask for something.
    pub fn raised(&self) -> impl Iterator<Item = &Finding> {
        self.guards.iter().filter(|found| found.is_raised())
    }

    /// Whether the engines agree on the exported file.
    pub fn agrees(&self) -> bool {
        self.parity.iter().all(|pair| pair.within)
    }
}

/// Where a run comes from.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Origin {
    pub version: String,
    pub started: String,
    pub command: Vec<String>,
    pub data: PathBuf,
    pub backbone: PathBuf,
}

/// How many samples a split holds.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Counts {
    pub split: String,
    pub total: usize,
    pub groups: usize,
    pub samples: Vec<usize>,
}

/// A sample that was left out.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Unreadable {
    pub path: String,
    pub problem: String,
}

/// A stage of training.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Stage {
    pub name: String,
    pub learning_rate: f64,
    pub kept: bool,
    pub parameters: usize,
    pub best_epoch: usize,
    pub epochs: Vec<Epoch>,
    pub ended: String,
    pub val_accuracy: Option<f64>,
    pub val_loss: Option<f64>,
    pub duration_ns: u64,
}

/// One pass over the training samples. A loss that is not finite is written as null.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Epoch {
    pub epoch: usize,
    pub train_loss: Option<f64>,
    pub train_accuracy: Option<f64>,
    pub val_loss: Option<f64>,
    pub val_accuracy: Option<f64>,
    pub learning_rate: Option<f64>,
}

/// A test sample that the model gets wrong.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Mistake {
    pub sample: String,
    pub truth: String,
    pub predicted: String,
    pub probability: f64,
    #[serde(default)]
    pub saliency: Option<Saliency>,
}

/// How much each part of an image spoke for the class that a model says.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Saliency {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<u8>,
    pub area: [f64; 4],
}

/// A model without a pretrained network.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Baseline {
    pub name: String,
    pub val: Metrics,
    pub test: Metrics,
}

/// What a guard found.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Finding {
    pub code: String,
    pub status: Status,
    pub message: String,
    #[serde(default)]
    pub pairs: Vec<[String; 2]>,
}

impl Finding {
    /// Whether it asks for something.
    pub fn is_raised(&self) -> bool {
        matches!(self.status, Status::Warning | Status::Failed)
    }
}

/// How a guard answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the variants are those of the document")]
pub enum Status {
    Off,
    Pass,
    Fixed,
    Warning,
    Failed,
}

/// A model that was written.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Exported {
    pub path: PathBuf,
    pub sha256: String,
}

/// The quantised model of a run.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Int8 {
    pub scheme: String,
    pub kept: String,
    pub test: Option<Comparison>,
    #[serde(default)]
    pub flips: Vec<Flip>,
    pub exported: Exported,
}

/// A test sample of which the quantised model says something else than the float one.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Flip {
    pub sample: String,
    pub truth: String,
    pub float: Answer,
    pub quantized: Answer,
}

/// What a model says of a sample.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Answer {
    pub predicted: String,
    pub probability: f64,
}

/// A quantised model against the float one.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Comparison {
    pub samples: usize,
    pub sqnr_db: Option<f64>,
    pub cosine: Option<f64>,
    pub agreement: Option<f64>,
    pub accuracy: Option<Accuracy>,
}

/// Accuracy of both on the same samples.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Accuracy {
    pub float: f64,
    pub quantized: f64,
    pub samples: usize,
    pub only_float: usize,
    pub only_quantized: usize,
}

/// How far two engines are apart.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Pair {
    pub a: String,
    pub b: String,
    pub max_abs: Option<f64>,
    pub cosine: Option<f64>,
    pub top1_agree: Option<f64>,
    pub within: bool,
    pub tolerance_used: Option<f64>,
}

/// Wall-clock time of the parts of a job, in nanoseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Timing {
    pub features_ns: u64,
    pub tuning_ns: u64,
    pub stages_ns: u64,
    pub baselines_ns: u64,
    pub int8_ns: u64,
    pub test_ns: u64,
    pub parity_ns: u64,
    pub total_ns: u64,
}
