//! The folder of a run, while it is written.

use std::io::Write;
use std::path::{Path, PathBuf};

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_base::schema;
use serde::Serialize;

use crate::config::job::{Existing, Job};
use crate::error::{Error, Result};
use crate::run::checkpoint::Checkpoint;
use crate::run::event::EventLog;
use crate::run::job_file::{self, JobFile, Origin};
use crate::run::lock::Lock;
use crate::run::manifest;
use crate::run::occupant::{self, CHECKPOINT, NEXT, Stand};
use crate::run::publish;
use crate::run::tensorboard::{self, TensorBoard};

const EVENTS: &str = "events.jsonl";

/// The folder of one run, and the right to write into it: `job.json`, `manifest.json`, `splits.json`,
/// `model.onnx`, `predictions.csv`, `report.json` and others, and while it lasts
/// `checkpoint.safetensors`.
///
/// A run that replaces another is written into the folder `next` in it, and takes its place when it is
/// whole. A run that ends before it split the samples leaves nothing behind.
pub(crate) struct RunFolder {
    /// What the user named.
    folder: PathBuf,
    /// Where the files are written: there, or [`NEXT`] in it.
    home: PathBuf,
    /// Folders that this process made, the innermost first.
    made: Vec<PathBuf>,
    /// Whether this process began the run, and did not only go on with it.
    began: bool,
    lock: Option<Lock>,
    pub origin: Origin,
    pub events: EventLog,
}

/// What a job writes for TensorBoard, in the folder `home`.
fn tensorboard(job: &Job, home: &Path) -> Option<TensorBoard> {
    job.tensorboard
        .then(|| TensorBoard::create(home.join(tensorboard::NAME)))
}

impl RunFolder {
    /// Takes the folder of a new run, before the work: makes it where it is not there, locks it, and
    /// refuses it where something else is in it.
    ///
    /// # Errors
    /// As [`occupant::home`]; or another process has it, or nothing can be written there.
    pub fn claim(job: &Job) -> Result<Self> {
        let folder = &job.run;
        refuse_file(folder)?;
        let missing = folder.ancestors().take_while(|ancestor| {
            let named = !ancestor.as_os_str().is_empty();
            named && !ancestor.exists()
        });
        let mut made: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        std::fs::create_dir_all(folder).map_err(fail(folder))?;
        let lock = Lock::take(folder)?;
        publish::complete(folder)?;
        let home = occupant::home(folder, job.existing)?;
        if !home.exists() {
            std::fs::create_dir(&home).map_err(fail(&home))?;
            made = vec![home.clone()];
        }
        Ok(RunFolder {
            events: EventLog::create(home.join(EVENTS)).with_tensorboard(tensorboard(job, &home)),
            folder: folder.clone(),
            home,
            made,
            began: true,
            lock: Some(lock),
            origin: Origin::now(),
        })
    }

    /// The job of the run in `folder`, and where it stands; of two, that which is to replace the other.
    ///
    /// # Errors
    /// There is no run, it is over, or of another version; or another process writes it.
    pub fn open(folder: &Path) -> Result<(Job, Checkpoint, Self)> {
        let home = || {
            let next = folder.join(NEXT);
            if job_file::replaces_another(&next) {
                next
            } else {
                folder.to_path_buf()
            }
        };
        // Nothing is made where no run is.
        JobFile::load(&home())?;
        let lock = Lock::take(folder)?;
        publish::complete(folder)?;
        let home = home();
        let JobFile { origin, job } = JobFile::load(&home)?;
        if occupant::stand(&home) == Some(Stand::Finished) {
            return Err(Error::Run {
                path: folder.to_path_buf(),
                problem: "is finished: its report.json is there".into(),
            });
        }
        let checkpoint = Checkpoint::load(&home.join(CHECKPOINT))?;
        let run = RunFolder {
            events: EventLog::create(home.join(EVENTS))
                .with_tensorboard(tensorboard(&job, &home))
                .resume(&checkpoint),
            folder: folder.to_path_buf(),
            home,
            made: Vec::new(),
            began: false,
            lock: Some(lock),
            origin,
        };
        Ok((job, checkpoint, run))
    }

    /// Writes what is to be done, so that the run can be gone on with. An unfinished run that was to
    /// replace the one that is there goes.
    pub fn begin(&self, job: &Job) -> Result<()> {
        occupant::clear(&self.home)?;
        let file = JobFile::of(job, self.origin.clone());
        self.write_json(job_file::NAME, job_file::SCHEMA, &file)
    }

    /// Keeps where the run stands.
    pub fn save(&mut self, checkpoint: &mut Checkpoint) -> Result<()> {
        if let Some(mlflow) = &mut self.events.mlflow {
            mlflow.flush();
        }
        checkpoint.events = self.events.bytes;
        checkpoint.save(&self.path(CHECKPOINT))
    }

    /// Ends a whole run: removes what only an unfinished one needs, and puts it into the place of the
    /// one that it replaces.
    pub fn finish(&self) -> Result<()> {
        occupant::remove(&self.path(CHECKPOINT))?;
        publish::complete(&self.folder)
    }

    /// What the user named.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the files of this run are written.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where a file of this run is written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Writes a file, whole or not at all.
    pub fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        Ok(write_atomically(&self.path(name), fill)?)
    }

    /// Writes a document of the given schema, whole or not at all.
    pub fn write_json(&self, name: &str, schema: &str, content: &impl Serialize) -> Result<()> {
        let text = schema::to_json(schema, content);
        let text = text.map_err(|error| fail(&self.path(name))(error.into()))?;
        self.write(name, |file| file.write_all(text.as_bytes()))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.began && !self.path(manifest::NAME).exists() {
            // Whatever cannot be removed stays, as it does where a run is killed.
            let _ = occupant::clear(&self.home);
            drop(self.lock.take());
            for folder in &self.made {
                // Fails, as it should, when there is something in it.
                let _ = std::fs::remove_dir(folder);
            }
        }
    }
}

/// Whether a new run can be written into `folder`, as far as can be seen without writing. [`train`] looks
/// again.
///
/// # Errors
/// There is a run, or anything else, and `existing` does not allow for it.
///
/// [`train`]: crate::train
pub fn check_place(folder: &Path, existing: Existing) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    refuse_file(folder)?;
    occupant::home(folder, existing).map(|_| ())
}

fn refuse_file(folder: &Path) -> Result<()> {
    if !folder.is_file() {
        return Ok(());
    }
    Err(Error::Run {
        path: folder.to_path_buf(),
        problem: "is a file; choose a folder with -o".into(),
    })
}

fn fail(path: &Path) -> impl Fn(std::io::Error) -> WriteError {
    move |source| WriteError {
        path: path.to_path_buf(),
        source,
    }
}
