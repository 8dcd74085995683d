//! How many labels each engine gets correct.

use std::path::{Path, PathBuf};

use edgefit_base::statistics::argmax;
use edgefit_engine::{Array, EngineName};
use serde::Serialize;

use crate::results::Results;

/// How many labels an engine gets correct.
#[derive(Debug, Serialize)]
pub struct Accuracy {
    /// The model's file, or the folder of its run.
    pub model: PathBuf,
    /// The engine.
    pub engine: EngineName,
    /// Samples that were read.
    pub samples: usize,
    /// Samples whose largest output is that of their label.
    pub correct: usize,
    /// The share of them.
    pub accuracy: f64,
}

/// Those of the model in every engine, and of what it is compared with.
pub(crate) fn accuracies(
    labels: &[usize],
    results: &[Results],
    model: &Path,
    against: Option<&Path>,
) -> Vec<Accuracy> {
    let mut found = Vec::new();
    for result in results {
        let ours = [(Some(model), Some(&result.outputs))];
        let theirs = [(against, result.other.as_ref())];
        for (model, outputs) in ours.into_iter().chain(theirs) {
            let (Some(model), Some(outputs)) = (model, outputs) else {
                continue;
            };
            let Some(correct) = count_correct(labels, &result.samples, outputs) else {
                continue;
            };
            found.push(Accuracy {
                model: model.to_path_buf(),
                engine: result.engine,
                samples: result.samples.len(),
                correct,
                accuracy: correct as f64 / result.samples.len().max(1) as f64,
            });
        }
    }
    found
}

/// Number of samples that are [`correct`].
fn count_correct(labels: &[usize], samples: &[usize], outputs: &[Array]) -> Option<usize> {
    let correct = correct(labels, samples, outputs)?;
    Some(correct.into_iter().filter(|correct| *correct).count())
}

/// For each sample, whether the largest value of the first output is that of its label; `None` if it has not
/// a row for each.
pub(crate) fn correct(labels: &[usize], samples: &[usize], outputs: &[Array]) -> Option<Vec<bool>> {
    let output = outputs.first()?;
    let width = output.values.len() / samples.len().max(1);
    if width == 0 || output.dims.first() != Some(&samples.len()) {
        return None;
    }
    let rows = output.values.chunks(width).zip(samples);
    let correct = rows.map(|(row, sample)| labels.get(*sample) == Some(&argmax(row)));
    Some(correct.collect())
}
