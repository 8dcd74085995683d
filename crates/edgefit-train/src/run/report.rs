//! The report of a run.

use std::path::{Path, PathBuf};

use edgefit_cost::{Check, Verdict as Fit};
use edgefit_data::Split;
use edgefit_engine::EngineName;
use edgefit_graph::Task;
use edgefit_guards::{Finding, Status};
use edgefit_verify::{Pair, Verdict};
use serde::{Deserialize, Serialize};

use crate::config::recipe::Recipe;
use crate::evaluate::baselines::Baseline;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::mistakes::Mistake;
use crate::prepare::unreadable::Unreadable;
use crate::run::exported_file::Exported;
use crate::run::int8_report::Int8Report;
use crate::run::job_file::Origin;
use crate::stages::stage::Stage;
use crate::stages::stage_memory::StageMemory;
use crate::stages::tune::candidate::Tuning;

/// Name and version of the document that a [`Report`] is written as.
pub const SCHEMA: &str = "edgefit.train/1";

/// Name of the file.
pub const NAME: &str = "report.json";

/// Name of the page that is made of it.
pub const PAGE: &str = "report.html";

/// Everything that a training job found out.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When the run began, and by which edgefit.
    #[serde(flatten)]
    pub origin: Origin,
    /// The command that began it, word for word.
    pub command: Vec<String>,
    /// The folder of the run.
    pub run: PathBuf,
    /// What the outputs of the model mean.
    pub task: Task,
    /// The dataset's folder or file.
    pub data: PathBuf,
    /// The backbone's file.
    pub backbone: PathBuf,
    /// Names of the classes, the labels or the regression targets, in the order of the outputs.
    pub classes: Vec<String>,
    /// Readable samples of each split, per class.
    pub counts: Vec<SplitCounts>,
    /// Images that could not be read and were left out.
    pub unreadable: Vec<Unreadable>,
    /// Engine that ran the frozen backbone.
    pub engine: EngineName,
    /// Features that did not have to be computed again.
    pub cached_features: usize,
    /// How it was trained.
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
    /// Test samples that the exported model gets wrong, the surest first; none for regression.
    pub mistakes: Vec<Mistake>,
    /// Figures of models without a pretrained network.
    pub baselines: Vec<Baseline>,
    /// Findings of the guards, one for each of the twenty.
    pub guards: Vec<Finding>,
    /// Whether the user ended it, and all of this is about the best weights so far; `edgefit train
    /// --resume` goes on.
    pub interrupted: bool,
    /// The model.
    pub exported: Exported,
    /// The quantised model, where there is a stage int8.
    pub int8: Option<Int8Report>,
    /// Agreement of the engines on real validation images.
    pub parity: Vec<Pair>,
    /// Whether the exported model fits the device; where there is a stage int8, its model.
    pub check: Check,
    /// How long it took.
    pub timing: Timing,
}

impl Report {
    /// Whether all is well: the user did not end it, no guard failed, the engines agree and the exported
    /// model fits the device, or does under the conditions that the check names.
    pub fn succeeded(&self) -> bool {
        let agree = Verdict::of(&self.parity) == Verdict::Agree;
        let mut guards = self.guards.iter();
        let failed = guards.any(|found| found.status == Status::Failed);
        let fits = self.check.verdict == Fit::Fits || !self.check.fits_if.is_empty();
        !self.interrupted && !failed && agree && fits
    }
}

/// How many samples a split holds.
#[derive(Debug, Serialize)]
pub struct SplitCounts {
    /// The split.
    pub split: Split,
    /// All of them.
    pub total: usize,
    /// Groups that its samples are of, each in this split alone; 0 where there are none.
    pub groups: usize,
    /// Samples of each class, or with each label; empty for regression.
    pub samples: Vec<usize>,
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
    /// Stage int8, with calibration and comparison.
    pub int8_ns: u64,
    /// Running the exported model on the test samples.
    pub test_ns: u64,
    /// Comparing the engines.
    pub parity_ns: u64,
    /// All of it.
    pub total_ns: u64,
}

/// Whether `folder` holds the report of a run that came to its end.
pub fn is_finished(folder: &Path) -> bool {
    #[derive(Deserialize)]
    struct Document {
        schema: String,
        interrupted: bool,
    }
    let text = edgefit_base::file::read_to_string(&folder.join(NAME)).ok();
    let document = text.and_then(|text| serde_json::from_str(&text).ok());
    document.is_some_and(|document: Document| document.schema == SCHEMA && !document.interrupted)
}
