use std::path::PathBuf;

use edgefit::base::statistics::argmax;
use edgefit::engine::{Array, EngineName};
use serde::Serialize;

use super::comparison::Results;
use super::inputs::Images;
use crate::cli::Verify;

/// How many labels an engine gets right.
#[derive(Debug, Serialize)]
pub struct Accuracy {
    pub model: PathBuf,
    pub engine: EngineName,
    pub samples: usize,
    pub right: usize,
    pub accuracy: f64,
}

/// Those of the model in every engine, and of what it is compared with.
pub fn of(images: &Images, results: &[Results], args: &Verify) -> Vec<Accuracy> {
    let mut found = Vec::new();
    for result in results {
        let ours = [(Some(&args.model), Some(&result.outputs))];
        let theirs = [(args.against.as_ref(), result.other.as_ref())];
        for (model, outputs) in ours.into_iter().chain(theirs) {
            let (Some(model), Some(outputs)) = (model, outputs) else {
                continue;
            };
            let Some(right) = right(images, &result.samples, outputs) else {
                continue;
            };
            found.push(Accuracy {
                model: model.clone(),
                engine: result.engine,
                samples: result.samples.len(),
                right,
                accuracy: right as f64 / result.samples.len().max(1) as f64,
            });
        }
    }
    found
}

/// Samples whose largest value of the first output is that of their label; `None` if it has not a row
/// for each.
fn right(images: &Images, samples: &[usize], outputs: &[Array]) -> Option<usize> {
    let output = outputs.first()?;
    let width = output.values.len() / samples.len().max(1);
    if width == 0 || output.dims.first() != Some(&samples.len()) {
        return None;
    }
    let rows = output.values.chunks(width).zip(samples);
    let right = rows.filter(|(row, sample)| argmax(row) == images.samples[**sample].1);
    Some(right.count())
}
