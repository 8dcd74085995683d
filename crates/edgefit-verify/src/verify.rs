//! The whole comparison: every case in every engine, the faults, and where results part.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use edgefit_engine::Error as EngineError;
use serde::Serialize;

use crate::accuracy::{Accuracy, accuracies};
use crate::cases::{Case, Source};
use crate::compared::{Compared, compare_each, worst};
use crate::crash::{Crash, Crashes};
use crate::divergence::Divergence;
use crate::error::{Error, Result};
use crate::eval_mode::{Fault, in_train_mode};
use crate::locate::{divergence, faults};
use crate::participant::{EngineReport, Participant, Status};
use crate::reduce::ReducedFiles;
use crate::results;
use crate::setting::Setting;
use crate::verdict::Verdict;

/// What was found, the document `edgefit.verify/1`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether all agree: no fault, no engine that failed or crashed, and every result within its
    /// tolerance.
    pub verdict: Verdict,
    /// File of the model.
    pub model: PathBuf,
    /// What it was compared with.
    pub against: Option<PathBuf>,
    /// Samples of the first kind of input.
    pub samples: usize,
    /// How each engine fared.
    pub engines: Vec<EngineReport>,
    /// Each two results of each output on the input that takes most of the tolerance.
    pub pairs: Vec<Compared>,
    /// On every input.
    pub cases: Vec<Compared>,
    /// Where the first two results part.
    pub first_divergence: Option<Divergence>,
    /// Crashes while that and the faults were searched for.
    pub search_crashes: Vec<Crash>,
    /// What is not in eval mode.
    pub faults: Vec<Fault>,
    /// On images with labels.
    pub accuracy: Vec<Accuracy>,
    /// What reproduces the divergence, if files were asked for.
    pub reduced: Option<ReducedFiles>,
}

/// The files of the models, as the report names them.
#[derive(Debug, Clone, Copy)]
pub struct ModelPaths<'a> {
    /// The model's.
    pub model: &'a Path,
    /// That of what it is compared with.
    pub against: Option<&'a Path>,
}

/// Runs every case in every engine, compares the results, and searches where they part and what is not
/// in eval mode. `warn` is told of images that cannot be read.
///
/// # Errors
/// No engine runs the model, no image can be read, or there is nothing to compare.
pub fn verify(
    cases: &[Case],
    setting: &Setting,
    mut participants: Vec<Participant>,
    paths: ModelPaths,
    warn: &mut dyn FnMut(&str),
) -> Result<Report> {
    for participant in &mut participants {
        participant.load(setting.graph, setting.other);
    }
    let (mut compared, mut accuracy) = (Vec::new(), Vec::new());
    for (index, case) in cases.iter().enumerate() {
        let results = results::run(case, setting, &mut participants, warn)?;
        if let Source::Images(images) = &case.source {
            accuracy.extend(accuracies(images, &results, paths.model, paths.against));
        }
        compared.extend(compare_each((index, case), setting, &results));
    }
    check_ran(&participants, &compared)?;
    let mut crashes = Crashes::default();
    let mut all_faults = in_train_mode(setting.graph);
    all_faults.extend(faults(
        cases,
        setting,
        &mut participants,
        &mut crashes,
        warn,
    ));
    let mut known = HashSet::new();
    all_faults.retain(|fault| known.insert(fault.node.clone()));
    let first_divergence = divergence(
        cases,
        setting,
        &mut participants,
        &mut compared,
        (&mut crashes, warn),
    );
    let failed = |participant: &Participant| {
        matches!(participant.report.status, Status::Failed | Status::Crashed)
    };
    let agree = all_faults.is_empty()
        && crashes.is_empty()
        && !participants.iter().any(failed)
        && compared.iter().all(Compared::agrees);
    Ok(Report {
        verdict: if agree {
            Verdict::Agree
        } else {
            Verdict::Diverge
        },
        model: paths.model.to_path_buf(),
        against: paths.against.map(Path::to_path_buf),
        samples: compared.first().map_or(0, |compared| compared.samples),
        pairs: worst(&compared),
        cases: compared,
        engines: participants
            .into_iter()
            .map(|participant| participant.report)
            .collect(),
        first_divergence,
        search_crashes: crashes.into_vec(),
        faults: all_faults,
        accuracy,
        reduced: None,
    })
}

/// Refuses a model that no engine runs, and a comparison of nothing.
fn check_ran(participants: &[Participant], compared: &[Compared]) -> Result<()> {
    let mut present = participants
        .iter()
        .map(|participant| &participant.report)
        .filter(|report| report.status != Status::Missing)
        .peekable();
    let first = present.peek().and_then(|report| report.problem.clone());
    if let (Some(problem), true) = (first, present.all(|report| report.status == Status::Failed)) {
        return Err(EngineError::Refused(problem).into());
    }
    let all_ran = participants
        .iter()
        .all(|participant| matches!(participant.report.status, Status::Ran | Status::Missing));
    if compared.is_empty() && all_ran {
        return Err(Error::invalid(
            "there is nothing to compare; leave out --engine, or install ONNX Runtime with `edgefit \
             engine install onnxruntime`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
