//! The report of a run that a guard ended.

use std::path::Path;

use edgefit_graph::Task;
use edgefit_guards::{Code, Finding};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::pipeline::loaded::LoadedJob;
use crate::pipeline::session::Session;
use crate::run::job_file::Origin;
use crate::run::report::{self, SCHEMA};
use crate::stages::stage::Stage;

/// What is known of a run that a guard ended.
#[derive(Serialize)]
struct Stopped<'a> {
    #[serde(flatten)]
    origin: &'a Origin,
    command: &'a [String],
    run: &'a Path,
    task: Task,
    data: &'a Path,
    backbone: &'a Path,
    classes: &'a [String],
    status: &'static str,
    /// The guard.
    refused: Code,
    guards: &'a [Finding],
    /// Those that were trained until then.
    stages: Vec<&'a Stage>,
}

/// Writes the report of a run that ends with `error`, where that is a guard's.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn report_stop(error: &Error, loaded: &LoadedJob, session: &Session) -> Result<()> {
    let Error::Guard { code, guards, .. } = error else {
        return Ok(());
    };
    let (job, run) = (&loaded.job, &session.run);
    let done = session.checkpoint.done.iter();
    let stopped = Stopped {
        origin: &run.origin,
        command: &job.command,
        run: run.folder(),
        task: loaded.dataset.task,
        data: &job.data,
        backbone: &job.backbone,
        classes: &loaded.dataset.classes,
        status: "stopped",
        refused: *code,
        guards,
        stages: done.map(|done| &done.stage).collect(),
    };
    run.write_json(report::NAME, SCHEMA, &stopped)
}
