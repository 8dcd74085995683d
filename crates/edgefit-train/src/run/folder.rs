//! The folder of a run, and the files in it.

use std::path::{Path, PathBuf};

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_base::schema;
use serde::Serialize;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::run::checkpoint::Checkpoint;
use crate::run::event::EventLog;

const JOB_FILE: &str = "job.json";
const EVENTS: &str = "events.jsonl";
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// The folder of one run: `job.json`, `model.onnx`, `report.json`, `splits.json`, `events.jsonl`, and
/// while it lasts `checkpoint.safetensors`.
///
/// A run that made its folder and ends before it split the samples leaves none behind.
pub(crate) struct RunFolder {
    folder: PathBuf,
    made: bool,
    pub events: EventLog,
}

/// Name and version of the document that a job is written as.
const JOB: &str = "edgefit.job/1";

impl RunFolder {
    /// The job of the run in `folder`, and where it stands.
    ///
    /// # Errors
    /// There is no run, it is over, or of another version.
    pub fn open(folder: &Path) -> Result<(Job, Checkpoint, Self)> {
        let fail = |problem: String| Error::Checkpoint {
            path: folder.to_path_buf(),
            problem,
        };
        let text = std::fs::read_to_string(folder.join(JOB_FILE)).map_err(|error| {
            fail(format!(
                "holds no run to go on with (job.json: {error}); start one with `edgefit train`"
            ))
        })?;
        let job: Job = schema::from_json(&text, JOB).map_err(|error| {
            fail(match error {
                schema::Error::OtherSchema { found, .. } => format!(
                    "was written as '{found}', and this edgefit reads {JOB}; go on with the edgefit that wrote it"
                ),
                schema::Error::Json(error) => format!(
                    "has a damaged job.json ({error}); start again with `edgefit train`"
                ),
            })
        })?;
        if folder.join("report.json").exists() {
            return Err(fail("is finished: its report.json is there".into()));
        }
        let checkpoint = Checkpoint::load(&folder.join(CHECKPOINT))?;
        let run = RunFolder {
            folder: folder.to_path_buf(),
            made: false,
            events: EventLog::resume(&folder.join(EVENTS), &checkpoint)?,
        };
        Ok((job, checkpoint, run))
    }

    /// Writes what is to be done, so that the run can be gone on with; what an earlier run left here
    /// goes.
    pub fn begin(&mut self, job: &Job) -> Result<()> {
        self.remove("report.json")?;
        self.remove(CHECKPOINT)?;
        self.write_json(JOB_FILE, JOB, job)
    }

    /// Keeps where the run stands.
    pub fn save(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        checkpoint.events = self.events.bytes;
        checkpoint.save(&self.path(CHECKPOINT))
    }

    /// Removes what only an unfinished run needs.
    pub fn finish(&self) -> Result<()> {
        self.remove(CHECKPOINT)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(WriteError { path, source }.into())
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder, so that a place where nothing can be written is found before the work.
    pub fn create(folder: &Path) -> Result<Self> {
        let fail = |source| WriteError {
            path: folder.to_path_buf(),
            source,
        };
        let made = !folder.exists();
        std::fs::create_dir_all(folder).map_err(fail)?;
        let run = RunFolder {
            folder: folder.to_path_buf(),
            made,
            events: EventLog::create(folder.join(EVENTS)),
        };
        tempfile::tempfile_in(folder).map_err(fail)?;
        Ok(run)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a document of the given schema, whole or not at all.
    pub fn write_json(&self, name: &str, schema: &str, content: &impl Serialize) -> Result<()> {
        let path = self.path(name);
        let text = schema::to_json(schema, content).map_err(not_json(&path))?;
        Ok(write_atomically(&path, |file| {
            file.write_all(text.as_bytes())
        })?)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.made && !self.path("splits.json").exists() {
            let _ = std::fs::remove_file(self.path(JOB_FILE));
            // Fails, as it should, when there is something in it.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

fn not_json(path: &Path) -> impl FnOnce(serde_json::Error) -> WriteError {
    move |error| WriteError {
        path: path.to_path_buf(),
        source: error.into(),
    }
}
