//! [`Report`]: what a search found.

use std::path::PathBuf;

use edgefit_cost::Check;
use edgefit_device::Profile;
use edgefit_train::evaluate::metrics::Metrics;
use edgefit_train::{Exported, Report as Training, StageName};
use serde::Serialize;

use crate::candidate::Candidate;

/// What a search found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Folder of the search.
    pub run: PathBuf,
    /// The data.
    pub data: PathBuf,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Name of the device.
    pub device: String,
    /// The device.
    #[serde(skip)]
    pub profile: Profile,
    /// Its engine that is meant, if its profile has one.
    pub engine: Option<String>,
    /// The accuracy that was enough, where one was named.
    pub target: Option<f64>,
    /// The network that was chosen, with its accuracy on the validation samples and what it was planned to
    /// take.
    pub chosen: Candidate,
    /// Every network in every form; accuracies where it fits.
    pub candidates: Vec<Candidate>,
    /// Those of which no other takes less and is as accurate.
    pub front: Vec<Candidate>,
    /// What simpler ways reach within the same budgets.
    pub baselines: Vec<Baseline>,
    /// What was trained.
    pub finalists: Vec<Finalist>,
    /// What was left out or found, and why.
    pub remarks: Vec<String>,
    /// Figures of the chosen model on the test samples, read once.
    pub test: Metrics,
    /// The model.
    pub exported: Exported,
    /// What the model's file takes of the device.
    pub check: Check,
    /// The report of the run that made it.
    pub training: Training,
    /// Whether the user ended the search, and this is the best so far.
    pub interrupted: bool,
    /// Time of the survey, and of all, in nanoseconds.
    pub timing: Timing,
}

/// Wall-clock time of a search, in nanoseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Timing {
    /// Planning and scoring all networks.
    pub survey_ns: u64,
    /// Training the finalists.
    pub finalists_ns: u64,
    /// All of it.
    pub total_ns: u64,
}

/// What a simpler way reaches within the same budgets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// `resolution alone`, `depth alone`, `uniform widths` or `random widths`.
    pub name: &'static str,
    /// The best network that it finds; `None` where none of its networks fits.
    pub candidate: Option<Candidate>,
}

/// A network that was trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finalist {
    /// With the accuracy of its better form on the validation samples.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The stages in which it was trained; the best of the first round are trained anew in all of them.
    pub stages: Vec<StageName>,
    /// Accuracy that is to be expected of it, by its validation accuracy and its score; of those that no simpler way
    /// beats on the validation samples, the network with the highest is chosen.
    pub expected: f64,
    /// Loss on the validation samples.
    pub loss: f64,
    /// Folder of its run.
    pub folder: PathBuf,
}

impl Report {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.fit/1";
}
