//! What lies in the folder of a run.

mod deployed;
mod manifest;
mod predictions;

use std::path::{Path, PathBuf};

use edgefit_base::{file, schema};
use edgefit_data::sample_path;
use edgefit_device::Profile;
use edgefit_graph::Task;
use serde::Deserialize;

pub(crate) use deployed::{Deployed, model_of_run};
pub(crate) use manifest::{Listed, Manifest};
pub(crate) use predictions::{Bin, Predictions, Scatter};

use crate::document::{Search, Stopped, Training};
use crate::error::{Error, Result};

/// Name of the report of a run.
const REPORT: &str = "report.json";

/// Name of the report of a search.
const SEARCH: &str = "fit.json";

/// A run that came to an end, and all that is there to be shown of it.
pub(crate) struct Run {
    pub folder: PathBuf,
    pub report: Training,
    pub job: Option<Job>,
    pub manifest: Option<Manifest>,
    pub predictions: Option<Predictions>,
    /// The model that goes onto the device.
    pub model: PathBuf,
    pub deployed: Option<Deployed>,
    /// The search that chose it, and the folder of that.
    pub search: Option<(Search, PathBuf)>,
    /// What is missing of it, and why.
    pub remarks: Vec<String>,
}

/// What a page needs of `job.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    /// The data, as an absolute path.
    pub data: PathBuf,
    pub device: Profile,
}

impl Run {
    /// Reads the run in `folder`. What is missing or damaged is remarked, except for the report.
    ///
    /// # Errors
    /// There is no report, or one of another version.
    pub fn open(folder: &Path) -> Result<Self> {
        if folder.join(SEARCH).exists() && !folder.join(REPORT).exists() {
            return Run::of_search(folder);
        }
        let report = report(folder)?;
        let mut remarks = Vec::new();
        let mut keep = |what: &str, problem: String| {
            remarks.push(format!("{what} is not shown: {problem}"));
        };
        let job = job(folder)
            .map_err(|problem| keep("the memory of a run", problem))
            .ok();
        let manifest = Manifest::load(folder)
            .map_err(|problem| keep("what the data hold twice", problem))
            .ok();
        let about = Predictions::load(&folder.join("predictions.csv"), &report);
        let predictions = about
            .map_err(|problem| keep("what the model says of each sample", problem))
            .ok();
        let model = Run::model(folder, &report);
        let deployed = job.as_ref().and_then(|job| {
            Deployed::of(&model, &job.device)
                .map_err(|problem| keep("the memory of a run", problem))
                .ok()
        });
        Ok(Run {
            folder: folder.to_path_buf(),
            report,
            job,
            manifest,
            predictions,
            model,
            deployed,
            search: None,
            remarks,
        })
    }

    /// The run that a search chose, with the figures of the model that the search wrote.
    fn of_search(folder: &Path) -> Result<Self> {
        let search = search(folder)?;
        // The search may have been moved since.
        let below = search.training.run.strip_prefix(&search.run);
        let below = below.unwrap_or(&search.training.run);
        let chosen = folder.join(below);
        // Without a report it may be a search itself, even this one.
        if !chosen.join(REPORT).exists() {
            let problem = format!(
                "names {} as the run that was chosen, where no {REPORT} lies; put that run back, or run `edgefit fit` \
                 again in another folder",
                chosen.display()
            );
            return Err(Error::run(&folder.join(SEARCH), problem));
        }
        let mut run = Run::open(&chosen)?;
        run.report.test = search.test.clone();
        run.report.check = search.check.clone();
        let name = search.exported.path.file_name().unwrap_or_default();
        run.model = folder.join(name);
        if let Some(job) = &run.job {
            run.deployed = Deployed::of(&run.model, &job.device).ok();
        }
        run.report.exported = search.exported.clone();
        run.search = Some((search, folder.to_path_buf()));
        Ok(run)
    }

    /// The model that goes onto the device.
    fn model(folder: &Path, report: &Training) -> PathBuf {
        let exported = match &report.int8 {
            Some(int8) => &int8.exported,
            None => &report.exported,
        };
        // A run may have been moved since.
        let name = exported.path.file_name();
        name.map_or_else(|| exported.path.clone(), |name| folder.join(name))
    }

    /// Where the picture of a sample lies; `None` where samples are no pictures.
    pub fn picture(&self, sample: &str) -> Option<PathBuf> {
        let data = match &self.job {
            Some(job) => &job.data,
            None => &self.report.origin.data,
        };
        data.is_dir().then(|| sample_path(data, sample))
    }

    /// Whether the samples are pictures.
    pub fn has_pictures(&self) -> bool {
        let rows = |listed: &Listed| listed.path.starts_with("row ");
        let listed = self
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.samples.first());
        self.report.task == Task::Classes && !listed.is_some_and(rows)
    }
}

/// How a run ended.
pub(crate) enum Outcome {
    /// With a model.
    Finished(Box<Training>),
    /// By a guard.
    Stopped(Stopped),
}

/// The report of the run in `folder`.
///
/// # Errors
/// There is none, or one of another version, or a guard ended the run.
pub(crate) fn report(folder: &Path) -> Result<Training> {
    match outcome(folder)? {
        Outcome::Finished(report) => Ok(*report),
        Outcome::Stopped(stopped) => {
            let reason = stopped.reason();
            let fix = format!("`edgefit report {}` shows what is known", folder.display());
            Err(Error::run(folder, format!("has no model: {reason}; {fix}")))
        }
    }
}

/// How the run in `folder` ended.
///
/// # Errors
/// It has not, or its report is of another version.
pub(crate) fn outcome(folder: &Path) -> Result<Outcome> {
    let path = folder.join(REPORT);
    let text = file::read_to_string(&path).map_err(|error| {
        let problem = if folder.join("job.json").exists() {
            format!(
                "holds a run that has not ended (no report.json); go on with `edgefit train --resume {}`",
                folder.display()
            )
        } else {
            format!("holds no run (report.json: {error}); give a folder that `edgefit train` wrote")
        };
        Error::run(folder, problem)
    })?;
    let error = match schema::from_json(&text, Training::SCHEMA) {
        Ok(report) => return Ok(Outcome::Finished(Box::new(report))),
        Err(error) => error,
    };
    if let Ok(stopped) = schema::from_json(&text, Training::SCHEMA) {
        return Ok(Outcome::Stopped(stopped));
    }
    let problem = match error {
        schema::Error::OtherSchema { found, .. } => format!(
            "was written as '{found}', and this edgefit reads {}; use the edgefit that wrote it",
            Training::SCHEMA
        ),
        schema::Error::Json(error) => format!(
            "is damaged or of another version ({error}); run `edgefit train` again with --force"
        ),
    };
    Err(Error::run(&path, problem))
}

fn search(folder: &Path) -> Result<Search> {
    let path = folder.join(SEARCH);
    let fail = |problem: String| {
        let fix = "is damaged or of another version";
        Error::run(
            &path,
            format!("{fix} ({problem}); run `edgefit fit` again in another folder"),
        )
    };
    let text = file::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
    schema::from_json(&text, Search::SCHEMA).map_err(|error| fail(error.to_string()))
}

/// # Errors
/// Why it cannot be read, as a clause.
fn job(folder: &Path) -> Result<Job, String> {
    let path = folder.join("job.json");
    let text = file::read_to_string(&path).map_err(|error| format!("job.json: {error}"))?;
    let document: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("job.json: {error}"))?;
    Job::deserialize(document).map_err(|error| format!("job.json: {error}"))
}
