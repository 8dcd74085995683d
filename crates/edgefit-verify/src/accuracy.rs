//! How many labels each engine gets correct.

use std::path::{Path, PathBuf};

use edgefit_base::statistics::is_right;
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
    /// Samples that were read, and whose label is one of the outputs.
    pub samples: usize,
    /// Samples whose largest output is that of their label.
    pub correct: usize,
    /// The share of them.
    pub accuracy: f64,
}

/// How many labels a side gets correct, of an integer program or of a model in LiteRT.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntegerAccuracy {
    /// The side.
    pub engine: String,
    /// Samples whose label is one of several outputs.
    pub samples: usize,
    /// Of them, those whose largest output is that of their label.
    pub correct: usize,
}

impl IntegerAccuracy {
    /// Of samples that are right or wrong in `engine`, or neither; `None` where all are neither.
    pub(crate) fn of(engine: &str, judged: impl Iterator<Item = Option<bool>>) -> Option<Self> {
        let judged: Vec<bool> = judged.flatten().collect();
        (!judged.is_empty()).then(|| IntegerAccuracy {
            engine: engine.to_owned(),
            samples: judged.len(),
            correct: judged.iter().filter(|right| **right).count(),
        })
    }
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
            let Some(judged) = correct(labels, &result.samples, outputs) else {
                continue;
            };
            let judged: Vec<bool> = judged.into_iter().flatten().collect();
            let correct = judged.iter().filter(|correct| **correct).count();
            if judged.is_empty() {
                continue;
            }
            found.push(Accuracy {
                model: model.to_path_buf(),
                engine: result.engine,
                samples: judged.len(),
                correct,
                accuracy: correct as f64 / judged.len() as f64,
            });
        }
    }
    found
}

/// For each sample, whether its row of the first output [`is_right`]; `None` if that has no row for each.
pub(crate) fn correct(
    labels: &[usize],
    samples: &[usize],
    outputs: &[Array],
) -> Option<Vec<Option<bool>>> {
    let output = outputs.first()?;
    let width = output.values.len() / samples.len().max(1);
    if width == 0 || output.dims.first() != Some(&samples.len()) {
        return None;
    }
    let rows = output.values.chunks(width).zip(samples);
    let correct = rows.map(|(row, sample)| is_right(row, *labels.get(*sample)?));
    Some(correct.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_among_several_outputs_are_judged() {
        let judged = |width: usize| {
            let outputs = [Array {
                dims: vec![3, width],
                values: [1.0, 0.0].repeat(3)[..3 * width].to_vec(),
            }];
            correct(&[0, 1, 2], &[0, 1, 2], &outputs)
        };
        assert_eq!(judged(2), Some(vec![Some(true), Some(false), None]));
        assert_eq!(judged(1), Some(vec![None; 3]));
        assert_eq!(judged(0), None);
    }
}
