//! Where a run is kept, and who is told of it.

use std::path::PathBuf;

use crate::config::job::Job;
use crate::error::Result;
use crate::observer::Observer;
use crate::run::checkpoint::Checkpoint;
use crate::run::document;
use crate::run::folder::RunFolder;
use crate::run::mlflow::{self, Ended, Mlflow, Place, Setup};
use crate::run::report::Report;

/// Where a run is kept, and who is told of it.
pub(crate) struct Session<'o> {
    pub checkpoint: Checkpoint,
    pub run: RunFolder,
    pub observer: &'o mut dyn Observer,
}

/// Whether what was begun came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    Complete,
    /// The user ended it.
    Interrupted,
}

impl Session<'_> {
    /// Logs the run on the MLflow server that the job names, if it names one. Where the server fails, the run
    /// goes on without it.
    ///
    /// # Errors
    /// The note of which of the server's runs it is cannot be written or is damaged.
    pub fn log_on_mlflow(&mut self, job: &Job) -> Result<()> {
        let Some(server) = &job.mlflow else {
            return Ok(());
        };
        let path = self.run.path(mlflow::NAME);
        let before: Option<Place> = document::load(&path, mlflow::SCHEMA, "remove it")?;
        let begun = match &before {
            Some(place) => Mlflow::resume(place.clone(), self.checkpoint.epochs()),
            None => Mlflow::begin(
                server,
                &Setup {
                    name: name(job),
                    data: &job.data,
                    backbone: &job.backbone,
                    device: &job.device.name,
                    recipe: &job.recipe,
                },
            ),
        };
        match begun {
            Ok(mlflow) => {
                if before.is_none() {
                    self.run
                        .write_json(mlflow::NAME, mlflow::SCHEMA, mlflow.place())?;
                }
                self.run.events.mlflow = Some(mlflow);
            }
            Err(problem) => self
                .observer
                .warn(&format!("{problem}; the run goes on without MLflow")),
        }
        Ok(())
    }

    /// Ends the run on the MLflow server, with its report and its models.
    pub fn end_on_mlflow(&mut self, report: &Report) {
        let files = ["model.onnx", "model-int8.onnx", "report.json"];
        let files: Vec<PathBuf> = files.iter().map(|name| self.run.path(name)).collect();
        let there: Vec<_> = files
            .iter()
            .map(PathBuf::as_path)
            .filter(|file| file.exists())
            .collect();
        let Some(mlflow) = &mut self.run.events.mlflow else {
            return;
        };
        let ended = if report.interrupted {
            Ended::Killed
        } else {
            Ended::Finished
        };
        mlflow.end(ended, Some(report), &there);
        if let Some(problem) = mlflow.problem() {
            self.observer
                .warn(&format!("{problem}; not all of the run is on MLflow"));
        }
    }
}

/// What the run is called: its folder.
fn name(job: &Job) -> String {
    let folder = job.run.file_name().unwrap_or(job.run.as_os_str());
    folder.to_string_lossy().into_owned()
}
