//! What each engine makes of one case.

use edgefit_engine::{Array, EngineName};

use crate::cases::Case;
use crate::error::{Error, Result};
use crate::participant::Participant;
use crate::setting::Setting;

/// What an engine made of one case.
pub(crate) struct Results {
    pub engine: EngineName,
    /// Samples, by their numbers in the case.
    pub samples: Vec<usize>,
    pub outputs: Vec<Array>,
    /// Outputs of what the model is compared with.
    pub other: Option<Vec<Array>>,
}

/// Runs a case in all engines that still run.
pub(crate) fn run(
    case: &Case,
    setting: &Setting,
    participants: &mut [Participant],
    warn: &mut dyn FnMut(&str),
) -> Result<Vec<Results>> {
    let mut results: Vec<Results> = participants
        .iter()
        .filter(|participant| participant.runs())
        .map(|participant| Results {
            engine: participant.report.engine,
            samples: Vec::new(),
            outputs: Vec::new(),
            other: setting.other.map(|_| Vec::new()),
        })
        .collect();
    let mut read = 0;
    for index in 0..case.batches(setting.graph) {
        let (inputs, samples) = case.batch(index, setting.graph, warn);
        read += samples.len();
        if samples.is_empty() {
            continue;
        }
        for participant in participants.iter_mut() {
            let engine = participant.report.engine;
            let Some(result) = results.iter_mut().find(|result| result.engine == engine) else {
                continue;
            };
            let Some((outputs, other)) = participant.run(setting.graph, &inputs) else {
                results.retain(|result| result.engine != engine);
                continue;
            };
            join(&mut result.outputs, outputs);
            if let (Some(joined), Some(other)) = (&mut result.other, other) {
                join(joined, other);
            }
            result.samples.extend(&samples);
        }
    }
    if read == 0 {
        let words = "none of the images can be read; give others";
        return Err(Error::invalid(words));
    }
    Ok(results)
}

/// Appends the rows of a batch.
fn join(joined: &mut Vec<Array>, batch: Vec<Array>) {
    if joined.is_empty() {
        *joined = batch;
        return;
    }
    for (joined, batch) in joined.iter_mut().zip(batch) {
        joined.values.extend(batch.values);
        if let (Some(rows), Some(more)) = (joined.dims.first_mut(), batch.dims.first()) {
            *rows += more;
        }
    }
}
