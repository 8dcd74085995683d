//! The whole comparison: every case in every engine, the faults, and where results part.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use edgefit_engine::onnxruntime::saturation;
use edgefit_engine::{EngineName, Error as EngineError, Execution};
use serde::Serialize;

use crate::accuracy::{Accuracy, accuracies};
use crate::cases::Case;
use crate::compared::{Compared, compare_each, worst};
use crate::counterparts::Counterparts;
use crate::divergence::Divergence;
use crate::error::{Error, Result};
use crate::eval_mode::{Fault, in_train_mode};
use crate::fidelity::{Fidelity, Quantized, quantized_side};
use crate::locate::{divergence, errors, faults};
use crate::participant::{EngineReport, Participant, Status};
use crate::reduce::ReducedFiles;
use crate::results;
use crate::search_crash::{Crash, Crashes};
use crate::setting::Setting;
use crate::verdict::Verdict;

/// What was found, the document `edgefit.verify/1`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether all that was compared agrees, in eval mode, and no engine crashed.
    pub verdict: Verdict,
    /// File of the model.
    pub model: PathBuf,
    /// What it was compared with.
    pub against: Option<PathBuf>,
    /// How its nodes and those of the model correspond.
    pub counterparts: Option<Counterparts>,
    /// Samples of the first kind of input.
    pub samples: usize,
    /// How each engine fared.
    pub engines: Vec<EngineReport>,
    /// Each two results of each output on the input that takes most of the tolerance.
    pub pairs: Vec<Compared>,
    /// On every input.
    pub cases: Vec<Compared>,
    /// How much the quantised one of two models keeps of the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// What may be behind a difference of quantised results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely_cause: Option<String>,
    /// Where the first two results part.
    pub first_divergence: Option<Divergence>,
    /// Crashes while that and the faults were searched for.
    pub search_crashes: Vec<Crash>,
    /// What is not in eval mode.
    pub faults: Vec<Fault>,
    /// On samples whose classes are known.
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
/// in eval mode. `warn` is told of images that cannot be read, and of a search that is left out.
///
/// # Errors
/// No image can be read, or fewer than two results can be compared.
pub fn verify(
    cases: &[Case],
    setting: &Setting,
    mut participants: Vec<Participant>,
    paths: ModelPaths,
    warn: &mut dyn FnMut(&str),
) -> Result<Report> {
    let mut fidelity = quantized_side(setting.graph, setting.other).map(Fidelity::new);
    if fidelity.is_some() && !cases.iter().any(|case| case.kind.is_data()) {
        return Err(Error::invalid(
            "one of the two models is quantised, and noise is not what it was calibrated for; give inputs with \
             --data DIR or --inputs FILE.npz",
        ));
    }
    for participant in &mut participants {
        participant.load(setting.graph, setting.other);
    }
    let (mut compared, mut accuracy) = (Vec::new(), Vec::new());
    for (index, case) in cases.iter().enumerate() {
        let results = results::run(case, setting, &mut participants, warn)?;
        if let Some(labels) = &case.labels {
            accuracy.extend(accuracies(labels, &results, paths.model, paths.against));
        }
        if let Some(fidelity) = &mut fidelity {
            fidelity.add(case, setting, &results);
        }
        compared.extend(compare_each((index, case), setting, &results));
    }
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
    if all_faults.is_empty() {
        check_ran(&participants, &compared)?;
    }
    let can_tell = setting.counterparts.is_none_or(|found| found.can_tell());
    let mut first_divergence = None;
    if let Some(fidelity) = &mut fidelity {
        // Every node differs, and only what the model is for counts.
        for each in &mut compared {
            each.decides = false;
        }
        let told = (&mut crashes, &mut *warn);
        fidelity.layers = errors(cases, setting, &mut participants, fidelity, told);
    } else if can_tell {
        let told = (&mut crashes, warn);
        first_divergence = divergence(cases, setting, &mut participants, &mut compared, told);
    }
    let keeps = fidelity.as_ref().is_none_or(|fidelity| fidelity.within);
    let likely_cause = explained(setting, &compared, fidelity.as_ref());
    let crashed = |participant: &Participant| participant.report.status == Status::Crashed;
    let verdict = if !all_faults.is_empty() || !keeps || !compared.iter().all(Compared::agrees) {
        Verdict::Diverge
    } else if !crashes.is_empty() || participants.iter().any(crashed) {
        Verdict::Crashed
    } else {
        Verdict::Agree
    };
    Ok(Report {
        verdict,
        counterparts: setting.counterparts,
        model: paths.model.to_path_buf(),
        against: paths.against.map(Path::to_path_buf),
        samples: compared.first().map_or(0, |compared| compared.samples),
        pairs: worst(&compared),
        fidelity,
        likely_cause,
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

/// What may be behind the results that are not within.
fn explained(
    setting: &Setting,
    compared: &[Compared],
    fidelity: Option<&Fidelity>,
) -> Option<String> {
    let apart: Vec<EngineName> = match fidelity {
        Some(fidelity) => fidelity.engines_not_within(),
        None => {
            let apart = compared.iter().filter(|each| !each.agrees());
            apart.flat_map(|each| [each.pair.a, each.pair.b]).collect()
        }
    };
    if setting.execution != Execution::Fused || !apart.contains(&EngineName::OnnxRuntime) {
        return None;
    }
    let quantized = match fidelity.map(|fidelity| fidelity.quantized) {
        Some(Quantized::Against) => setting.other?,
        _ => setting.graph,
    };
    let saturation = saturation(quantized)?;
    Some(format!("a likely cause: {saturation}"))
}

/// Refuses where nothing could be compared, unless an engine crashed: that is a result, as a fault is.
fn check_ran(participants: &[Participant], compared: &[Compared]) -> Result<()> {
    let mut reports = participants.iter().map(|participant| &participant.report);
    let crashed = reports
        .clone()
        .any(|report| report.status == Status::Crashed);
    if !compared.is_empty() || crashed {
        return Ok(());
    }
    let failed = reports
        .clone()
        .filter(|report| report.status == Status::Failed);
    let problems: Vec<&str> = failed
        .filter_map(|report| report.problem.as_deref())
        .collect();
    Err(match problems.as_slice() {
        [] => Error::invalid(
            "there is nothing to compare; leave out --engine, or install ONNX Runtime with `edgefit \
             engine install onnxruntime`",
        ),
        problems if reports.any(|report| report.status == Status::Ran) => Error::invalid(format!(
            "one engine alone runs it, so there is nothing to compare: {}",
            problems.join("; ")
        )),
        problems => EngineError::Refused(problems.join("; ")).into(),
    })
}

#[cfg(test)]
mod tests;
