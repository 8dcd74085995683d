//! [`Report`]: what a search found.

use std::path::PathBuf;

use edgefit_base::losses;
use edgefit_cost::Check;
use edgefit_device::Profile;
use edgefit_train::evaluate::metrics::Classification;
use edgefit_train::{Exported, StageName};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::candidate::Candidate;

/// What a search found, and what its model takes of the device.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it found.
    #[serde(flatten)]
    pub results: Results,
    /// What the model's file takes of the device.
    pub check: Check,
    /// The device with the RAM that networks were planned for.
    #[serde(skip)]
    pub planned_for: Profile,
}

/// What a search found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    /// Folder of the search.
    pub run: PathBuf,
    /// The data.
    pub data: PathBuf,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Name of the device.
    pub device: String,
    /// Its engine that is meant, if its profile has one.
    pub engine: Option<String>,
    /// The accuracy that was enough, where one was named.
    pub target: Option<f64>,
    /// The network that was chosen, with its accuracy on the validation samples and what it was planned to
    /// take.
    pub chosen: Candidate,
    /// Every network in every form; accuracies where one of them takes at most twice a budget.
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
    pub test: Classification,
    /// The model.
    pub exported: Exported,
    /// The report of the run that made it, as that run wrote it.
    pub training: Map<String, Value>,
    /// Whether the user ended the search, and this is the best so far.
    pub interrupted: bool,
    /// Time of the survey, and of all, in nanoseconds.
    pub timing: Timing,
}

/// Wall-clock time of a search, in nanoseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Timing {
    /// Planning and scoring all networks.
    pub survey_ns: u64,
    /// Training the finalists.
    pub finalists_ns: u64,
    /// All of it.
    pub total_ns: u64,
}

/// What a simpler way reaches within the same budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// `resolution alone`, `depth alone`, `uniform widths` or `random widths`.
    pub name: String,
    /// The best network that it finds; `None` where none of its networks fits.
    pub candidate: Option<Candidate>,
}

/// A network that was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// In the form that counts, with its accuracy on the validation samples: where an accuracy is enough, the one
    /// that takes least of those that reach it, else the most accurate.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The stages in which it was trained; the best of the first round are trained anew in all of them.
    pub stages: Vec<StageName>,
    /// Accuracy that is to be expected of it, by its validation accuracy and its score; of those that no simpler way
    /// beats on the validation samples, the network with the highest is chosen.
    pub expected: f64,
    /// Loss on the validation samples.
    #[serde(deserialize_with = "losses::read")]
    pub loss: f64,
    /// Folder of its run.
    pub folder: PathBuf,
}

impl Report {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.fit/1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::tests::candidate;

    #[test]
    fn what_was_written_of_a_search_is_read_again() {
        let chosen = candidate(10, 20, 0.9);
        let results = Results {
            run: "run".into(),
            data: "data".into(),
            classes: vec!["a".into(), "b".into()],
            device: "stm32h743".into(),
            engine: Some("c".into()),
            target: None,
            chosen: chosen.clone(),
            candidates: vec![chosen.clone()],
            front: Vec::new(),
            baselines: vec![Baseline {
                name: "depth alone".into(),
                candidate: Some(chosen.clone()),
            }],
            finalists: vec![Finalist {
                candidate: chosen,
                stages: vec![StageName::Probe],
                expected: 0.9,
                loss: f64::INFINITY,
                folder: "run/finalists/1-a-96-1/first".into(),
            }],
            remarks: Vec::new(),
            test: Classification::of(&[2.0, 0.0, 1.0, 3.0], &[0, 1], 2),
            exported: Exported {
                path: "run/model.onnx".into(),
                sha256: "0".into(),
            },
            training: Map::new(),
            interrupted: false,
            timing: Timing {
                survey_ns: 1,
                finalists_ns: 2,
                total_ns: 3,
            },
        };
        let written = serde_json::to_value(&results).unwrap();
        let read: Results = serde_json::from_value(written.clone()).unwrap();
        assert!(read.finalists[0].loss.is_infinite());
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
    }
}
