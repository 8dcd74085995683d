//! The report of a run that a guard ended.

use std::path::Path;

use edgefit_graph::Task;
use edgefit_guards::{Code, Finding};
use serde::Serialize;

use crate::error::Error;
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

/// Writes the report of a run that a guard ends.
///
/// Returns `error` with the place of the report, or why that cannot be written.
pub(crate) fn report_stop(mut error: Error, loaded: &LoadedJob, session: &Session) -> Error {
    let Error::Guard {
        code,
        guards,
        run: place,
        ..
    } = &mut error
    else {
        return error;
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
    if let Err(unwritten) = run.write_json(report::NAME, SCHEMA, &stopped) {
        return unwritten;
    }
    *place = Some(run.home().to_path_buf());
    error
}
