//! Whether engines of this machine run the model: each is told to load it and to run it once.

use std::path::Path;
use std::time::Duration;

use edgefit_cost::{Costs, Request, Trial, TrialOutcome};
use edgefit_device::profile::Class;
use edgefit_device::{self as device, EngineId, WeightsIn};
use edgefit_engine::child::ChildError;
use edgefit_engine::{EngineName, diagnose};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::candidate::Candidate;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::run_once::run_once;

/// Memory that engines stay below while they load, on top of three times the weights.
const LOAD_BYTES: u64 = 128 << 20;

/// How long an engine may take to load the model and to run it once.
const LIMIT: Duration = Duration::from_secs(120);

/// A model, and the file that it is from.
#[derive(Clone, Copy)]
pub struct ModelFile<'a> {
    /// The file.
    pub path: &'a Path,
    /// What is in it.
    pub graph: &'a Graph,
    /// Shapes of its inputs.
    pub shapes: &'a InputShapes,
}

impl ModelFile<'_> {
    pub(crate) fn candidate(&self, engine: EngineName, threads: u32) -> Candidate {
        let shapes = self.shapes.0.iter();
        Candidate {
            model: self.path.to_path_buf(),
            target: engine.into(),
            threads: threads as usize,
            shapes: shapes.map(|(_, dims)| dims.clone()).collect(),
            inputs: Vec::new(),
        }
    }
}

/// Says what to start for an engine that is to be tried.
pub type Start<'a, E> = &'a mut dyn FnMut(EngineName) -> Result<Program, E>;

/// Tries the engine of the request, where the processor runs it there and it is linked in here; where it
/// refuses, the others of the profile too.
///
/// # Errors
/// Those of `start`. What an engine says is a result.
pub fn trials<E>(model: ModelFile, request: &Request, start: Start<E>) -> Result<Vec<Trial>, E> {
    let profile = request.profile;
    if profile.class == Class::Gpu || profile.weights_in == WeightsIn::Flash {
        return Ok(Vec::new());
    }
    let Some(engine) = request.engine_of(model.graph) else {
        return Ok(Vec::new());
    };
    let Some(first) = trial(model, &engine.name, request, start)? else {
        return Ok(Vec::new());
    };
    let refused = matches!(first.outcome, TrialOutcome::Refused { .. });
    let mut trials = vec![first];
    if refused {
        let others = profile.engines.iter().map(|other| &other.name);
        for other in others.filter(|other| **other != engine.name) {
            trials.extend(trial(model, other, request, start)?);
        }
    }
    Ok(trials)
}

/// `None` for an engine that is not linked in.
fn trial<E>(
    model: ModelFile,
    engine: &EngineId,
    request: &Request,
    start: Start<E>,
) -> Result<Option<Trial>, E> {
    let Ok(name) = engine.as_str().parse::<EngineName>() else {
        return Ok(None);
    };
    let made = |outcome| {
        Some(Trial {
            engine: engine.clone(),
            place: "on this machine".into(),
            outcome,
        })
    };
    let not_tried = |reason: String| Ok(made(TrialOutcome::NotTried { reason }));
    let program = start(name)?;
    if let Err(missing) = program.has(name) {
        return not_tried(missing.to_string());
    }
    if !has_room(model) {
        return not_tried("this machine may not have the memory that is free for it".into());
    }
    let candidate = model.candidate(name, request.threads.min(cores()));
    let ran = run_once(&candidate, &program, LIMIT);
    Ok(made(outcome(model.graph, name, ran)))
}

fn outcome(graph: &Graph, engine: EngineName, ran: Result<()>) -> TrialOutcome {
    let Err(error) = ran else {
        return TrialOutcome::Ran;
    };
    refused(graph, engine, &error).unwrap_or_else(|| TrialOutcome::NotTried {
        reason: format!("{error}; what is said of it here is from its documents alone"),
    })
}

/// The refusal of an engine, explained; `None` of what failed without it.
pub(crate) fn refused(graph: &Graph, engine: EngineName, error: &Error) -> Option<TrialOutcome> {
    let Error::Child(ChildError::Died(said) | ChildError::Refused(said)) = error else {
        return None;
    };
    let found = diagnose(graph, engine, said);
    Some(TrialOutcome::Refused {
        node: found.node,
        words: found.words,
    })
}

fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// Whether this machine has the memory for a run, as far as that can be said.
fn has_room(model: ModelFile) -> bool {
    let Ok(inference) = infer(model.graph, model.shapes) else {
        return true;
    };
    let costs = Costs::of(model.graph, &inference);
    let nodes = costs.nodes.iter();
    let largest = nodes.map(|node| node.read_bytes.saturating_add(node.write_bytes));
    let need = costs
        .totals
        .weight_bytes
        .saturating_mul(3)
        .saturating_add(largest.max().unwrap_or(0))
        .saturating_add(LOAD_BYTES);
    let free = device::host().map(|host| host.banks.iter().map(device::Bank::free_bytes).sum());
    free.map_or(true, |free: u64| need <= free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_without_the_engine_is_no_refusal() {
        let of = |error| outcome(&Graph::new("g", 17), EngineName::Tract, Err(error));
        let silent = ChildError::Silent(Duration::from_secs(7));
        for (error, words) in [
            (Error::from(silent), "did not answer within 7 s"),
            (Error::NotUtf8("m.onnx".into()), "m.onnx: the name is not"),
        ] {
            let found = of(error);
            let TrialOutcome::NotTried { reason } = found else {
                panic!("{found:?}");
            };
            assert!(reason.contains(words), "{reason}");
        }
        let died = of(ChildError::Died("no such op".into()).into());
        assert!(matches!(died, TrialOutcome::Refused { .. }), "{died:?}");
    }
}
