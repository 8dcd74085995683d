//! The runs below a folder, with their figures.

use std::path::{Path, PathBuf};

use edgefit_graph::Task;
use serde::Serialize;

use crate::document::Training;
use crate::error::{Error, Result};
use crate::run::{self, Outcome};

/// Folders below one another that are looked through.
const DEEPEST: usize = 3;

/// The runs below a folder.
#[derive(Debug, Serialize)]
pub struct Index {
    /// The folder.
    pub folder: PathBuf,
    /// The runs, the oldest first, those that cannot be read last.
    pub runs: Vec<Indexed>,
}

/// A run, with its figures as far as it has any.
#[derive(Debug, Serialize)]
pub struct Indexed {
    /// Its folder.
    pub run: PathBuf,
    /// How far it came.
    pub state: State,
    /// Why it has no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To its end.
    Finished,
    /// The user ended it, and the figures are those of the best weights so far.
    Interrupted,
    /// A guard ended it, without a model.
    Stopped,
    /// Not to its end.
    Unfinished,
    /// That cannot be said: what lies there is damaged, or of another version.
    Unreadable,
}

/// Figures of a run.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// What is predicted.
    pub task: Task,
    /// File of the backbone.
    pub backbone: PathBuf,
    /// What was trained.
    pub stages: Vec<String>,
    /// Test samples.
    pub samples: usize,
    /// Accuracy on them, or R² of regression.
    pub score: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// The score of the best baseline.
    pub baseline: Option<f64>,
    /// Accuracy of the quantised model.
    pub int8: Option<f64>,
    /// Name of the device.
    pub device: String,
    /// Whether the model fits it, in words.
    pub fit: String,
    /// Guards that ask for something.
    pub raised: Vec<String>,
    /// How long it took.
    pub total_ns: u64,
}

/// The runs in `folder` and in the folders below it.
///
/// # Errors
/// The folder cannot be read.
pub fn index(folder: &Path) -> Result<Index> {
    std::fs::read_dir(folder).map_err(|error| {
        Error::run(
            folder,
            format!("cannot be read ({error}); give a folder that holds runs"),
        )
    })?;
    let mut runs = Vec::new();
    collect(folder, DEEPEST, &mut runs);
    let key = |run: &Indexed| {
        let started = run.figures.as_ref().map(|figures| figures.started.clone());
        (started.is_none(), started, run.run.clone())
    };
    runs.sort_by_key(key);
    Ok(Index {
        folder: folder.to_path_buf(),
        runs,
    })
}

/// A folder that cannot be read is passed over, as is what links lead to.
fn collect(folder: &Path, deeper: usize, runs: &mut Vec<Indexed>) {
    runs.extend(indexed(folder));
    if deeper == 0 {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), deeper - 1, runs);
        }
    }
}

/// The run in a folder; `None` where there is none.
fn indexed(folder: &Path) -> Option<Indexed> {
    let has = |name: &str| folder.join(name).is_file();
    let is_run = has("job.json") || (has("report.json") && has("model.onnx"));
    if !is_run {
        return None;
    }
    let (state, problem, figures) = match run::outcome(folder) {
        Ok(Outcome::Finished(report)) => {
            let state = if report.interrupted {
                State::Interrupted
            } else {
                State::Finished
            };
            (state, None, Some(figures(*report)))
        }
        Ok(Outcome::Stopped(stopped)) => (State::Stopped, Some(stopped.reason()), None),
        Err(_) if !has("report.json") => {
            let problem = format!("go on with `edgefit train --resume {}`", folder.display());
            (State::Unfinished, Some(problem), None)
        }
        Err(error) => (State::Unreadable, Some(error.to_string()), None),
    };
    Some(Indexed {
        run: folder.to_path_buf(),
        state,
        problem,
        figures,
    })
}

fn figures(report: Training) -> Figures {
    let (score, interval) = report.test.score();
    let int8 = report.int8.as_ref().and_then(|int8| int8.test.as_ref());
    Figures {
        samples: report.test.samples(),
        score,
        interval,
        baseline: report
            .best_baseline()
            .map(|baseline| baseline.test.score().0),
        int8: int8.and_then(|test| Some(test.accuracy.as_ref()?.quantized)),
        fit: report.check.words(),
        raised: report.raised().map(|found| found.code.clone()).collect(),
        stages: report
            .stages
            .iter()
            .map(|stage| stage.name.clone())
            .collect(),
        device: report.check.device,
        started: report.origin.started,
        task: report.task,
        backbone: report.origin.backbone,
        total_ns: report.timing.total_ns,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sample_run;

    #[test]
    fn runs_are_found_whatever_their_state() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| {
            let place = folder.path().join(name);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("job.json"), "{}").unwrap();
            place
        };
        let names = ["a".to_owned(), "b".to_owned()];
        sample_run::classes(&place("deep/er/done"), &names, &[]);
        let mut ended = sample_run::classes(&place("ended"), &names, &[]);
        ended["interrupted"] = true.into();
        sample_run::write(&place("ended"), &ended);
        sample_run::stopped(&place("failed"));
        place("killed");
        fs::write(
            place("old").join("report.json"),
            r#"{"schema": "edgefit.train/0"}"#,
        )
        .unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();

        let found = index(folder.path()).unwrap();
        let states: Vec<(&str, State)> = found
            .runs
            .iter()
            .map(|run| (run.run.file_name().unwrap().to_str().unwrap(), run.state))
            .collect();
        assert_eq!(
            states,
            [
                ("done", State::Finished),
                ("ended", State::Interrupted),
                ("failed", State::Stopped),
                ("killed", State::Unfinished),
                ("old", State::Unreadable)
            ]
        );
        let figures = found.runs[0].figures.as_ref().unwrap();
        assert_eq!((figures.score, figures.raised.len()), (0.5, 1));
        assert!(found.runs[3].problem.as_ref().unwrap().contains("--resume"));
        assert!(index(&folder.path().join("absent")).is_err());
    }
}
