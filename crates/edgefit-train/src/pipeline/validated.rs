//! A job up to its test samples: for one of several jobs, of which one is chosen on the validation samples.

use std::path::PathBuf;

use edgefit_guards::Finding;

use crate::config::job::Job;
use crate::error::Result;
use crate::evaluate::metrics::Metrics;
use crate::observer::Observer;
use crate::pipeline::session::Completion;
use crate::pipeline::{begin, exported, reopen};
use crate::run::int8_report::Int8Report;
use crate::run::job_file;
use crate::stages::stage::Stage;

/// A job whose models were measured on the validation samples alone.
#[derive(Debug)]
pub struct Validated {
    /// Figures of the float model on the validation samples.
    pub val: Metrics,
    /// What stage int8 made, where there is one.
    pub int8: Option<Int8Report>,
    /// What was trained in floats.
    pub stages: Vec<Stage>,
    /// Findings of the guards.
    pub guards: Vec<Finding>,
    /// The float model.
    pub model: PathBuf,
    /// Whether the user ended it.
    pub interrupted: bool,
}

/// Does what [`train`](crate::train) does but for the test samples, or goes on with that where the folder of
/// the run holds it unfinished. [`resume`](crate::resume) then reads the test samples and finishes the run.
///
/// # Errors
/// As [`train`](crate::train).
pub fn validate(job: &Job, observer: &mut dyn Observer) -> Result<Validated> {
    let (loaded, mut session) = if job_file::is_there(&job.run) {
        reopen(&job.run, observer)?
    } else {
        begin(job, observer)?
    };
    let features = loaded.features(session.observer)?;
    let exported = exported(&loaded, &features, &mut session)?;
    let done = session.checkpoint.done;
    Ok(Validated {
        val: exported.val,
        int8: exported.int8.map(|made| made.report),
        stages: done.into_iter().map(|done| done.stage).collect(),
        guards: exported.trained.findings.report(),
        model: exported.path,
        interrupted: exported.trained.completion == Completion::Interrupted,
    })
}
