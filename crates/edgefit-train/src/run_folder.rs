use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_base::schema;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::job::Job;

const JOB_FILE: &str = "job.json";
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// The folder of one run: `job.json`, `model.onnx`, `report.json`, `splits.json`, `events.jsonl`, and
/// while it lasts `checkpoint.safetensors`.
///
/// A run that made its folder and ends before it split the samples leaves none behind.
pub(crate) struct RunFolder {
    folder: PathBuf,
    made: bool,
    events: Option<File>,
    /// Bytes of the events so far.
    written: u64,
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
        let damaged = |error: serde_json::Error| {
            fail(format!(
                "has a damaged job.json ({error}); start again with `edgefit train`"
            ))
        };
        #[derive(Deserialize)]
        struct Versioned {
            schema: String,
        }
        let Versioned { schema } = serde_json::from_str(&text).map_err(damaged)?;
        if schema != JOB {
            return Err(fail(format!(
                "was written as '{schema}', and this edgefit reads {JOB}; go on with the edgefit that wrote it"
            )));
        }
        let job: Job = serde_json::from_str(&text).map_err(damaged)?;
        if folder.join("report.json").exists() {
            return Err(fail("is finished: its report.json is there".into()));
        }
        let checkpoint = Checkpoint::load(&folder.join(CHECKPOINT))?;
        let path = folder.join("events.jsonl");
        let mut events = None;
        if path.exists() {
            let open = || -> std::io::Result<File> {
                let mut file = File::options().write(true).open(&path)?;
                // What was told after the checkpoint is told again.
                file.set_len(checkpoint.events)?;
                file.seek(SeekFrom::End(0))?;
                Ok(file)
            };
            events = Some(open().map_err(|source| WriteError { path, source })?);
        }
        let run = RunFolder {
            folder: folder.to_path_buf(),
            made: false,
            events,
            written: checkpoint.events,
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
        checkpoint.events = self.written;
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
            events: None,
            written: 0,
        };
        tempfile::tempfile_in(folder).map_err(fail)?;
        Ok(run)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Appends a line to the run's events.
    pub fn event(&mut self, event: &impl Serialize) -> Result<()> {
        let path = self.path("events.jsonl");
        let mut line = serde_json::to_string(event).map_err(not_json(&path))?;
        line.push('\n');
        let mut append = || -> std::io::Result<()> {
            let events = match &mut self.events {
                Some(events) => events,
                none => none.insert(File::create(&path)?),
            };
            events.write_all(line.as_bytes())
        };
        append().map_err(|source| WriteError { path, source })?;
        self.written += line.len() as u64;
        Ok(())
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
