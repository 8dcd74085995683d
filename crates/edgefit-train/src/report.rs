use std::path::PathBuf;

use edgefit_cost::Check;
use edgefit_data::Part;
use edgefit_engine::EngineName;
use edgefit_verify::Pair;
use edgefit_graph::Task;
use edgefit_guards::Finding;
use serde::Serialize;

use crate::memory::StageMemory;
use crate::metrics::Metrics;
use crate::recipe::Recipe;
use crate::stages::Stage;
use crate::tune::Tuning;

/// Name and version of the document that a [`Report`] is written as.
pub const SCHEMA: &str = "edgefit.train/1";

/// Everything that a training job found out.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the model tells of a sample.
    pub task: Task,
    /// The dataset's folder or file.
    pub data: PathBuf,
    /// The backbone's file.
    pub backbone: PathBuf,
    /// Names of the classes, the labels or the numbers, in the order of the outputs.
    pub classes: Vec<String>,
    /// Readable samples of each part, per class.
    pub counts: Vec<PartCounts>,
    /// Images that could not be read and were left out.
    pub unreadable: Vec<Unreadable>,
    /// Engine that ran the frozen backbone.
    pub engine: EngineName,
    /// Features that did not have to be computed again.
    pub cached_features: usize,
    /// How the head was fitted.
    pub recipe: Recipe,
    /// What `--tune` tried and chose, where it was asked to.
    pub tuning: Option<Tuning>,
    /// Loss weight of each class; empty for other tasks.
    pub class_weights: Vec<f32>,
    /// What was trained, simple to complex.
    pub stages: Vec<Stage>,
    /// Memory of each stage, predicted and measured.
    pub memory: Vec<StageMemory>,
    /// Figures on the validation samples, on which choices were made.
    pub val: Metrics,
    /// Figures of the exported model on the test samples, read once.
    pub test: Metrics,
    /// What it takes no network to reach.
    pub baselines: Vec<Baseline>,
    /// Findings of the guards, one for each of the twenty.
    pub guards: Vec<Finding>,
    /// Whether the user ended it; `edgefit train --resume` goes on.
    pub interrupted: bool,
    /// The model.
    pub exported: Exported,
    /// Agreement of the engines on real validation images.
    pub parity: Vec<Pair>,
    /// Whether the exported model fits the device.
    pub check: Check,
    /// How long it took.
    pub timing: Timing,
}

/// How many samples a part holds.
#[derive(Debug, Serialize)]
pub struct PartCounts {
    /// The part.
    pub part: Part,
    /// All of them.
    pub total: usize,
    /// Samples of each class, or with each label; empty for numbers.
    pub samples: Vec<usize>,
}

/// An image that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// Path below the dataset's folder.
    pub path: String,
    /// What the decoder met.
    pub problem: String,
}

/// What it takes no network to tell.
#[derive(Debug, Serialize)]
pub struct Baseline {
    /// `majority` or `mean`, the same answer for all; `raw pixels` or `raw values`, a linear layer on
    /// them.
    pub name: &'static str,
    /// Whether it looks at the sample.
    pub sees_input: bool,
    /// Figures on the validation samples.
    pub val: Metrics,
    /// Figures on the test samples.
    pub test: Metrics,
}

/// The exported model.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// Wall-clock time of the parts of a job, in nanoseconds.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Timing {
    /// Decoding and the backbone, over all samples.
    pub features_ns: u64,
    /// Trying what `--tune` tries.
    pub tuning_ns: u64,
    /// The stages.
    pub stages_ns: u64,
    /// Fitting the baselines.
    pub baselines_ns: u64,
    /// Running the exported model on the test samples.
    pub test_ns: u64,
    /// Comparing the engines.
    pub parity_ns: u64,
    /// All of it.
    pub total_ns: u64,
}
