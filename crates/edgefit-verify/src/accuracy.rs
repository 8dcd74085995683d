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
    /// Samples that were read, and whose label is one of the outputs.
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

/// For each sample, whether the largest value of the first output is that of its label, where that is one of its
/// values; `None` if it has not a row of several for each.
pub(crate) fn correct(
    labels: &[usize],
    samples: &[usize],
    outputs: &[Array],
) -> Option<Vec<Option<bool>>> {
    let output = outputs.first()?;
    let width = output.values.len() / samples.len().max(1);
    if width <= 1 || output.dims.first() != Some(&samples.len()) {
        return None;
    }
    let rows = output.values.chunks(width).zip(samples);
    let correct = rows.map(|(row, sample)| {
        let label = labels.get(*sample).filter(|label| **label < width)?;
        Some(*label == argmax(row))
    });
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
        assert_eq!(judged(1), None);
    }
}
