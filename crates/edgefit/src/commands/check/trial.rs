//! Whether engines of this machine run the model: each is told to load it and to run it once.

use std::path::Path;

use edgefit::assets::Cache;
use edgefit::bench::{Candidate, run_once};
use edgefit::cost::{Costs, Request, Trial, TrialOutcome};
use edgefit::device::profile::Class;
use edgefit::device::{self, EngineId, WeightsIn};
use edgefit::engine::{EngineName, diagnose};
use edgefit::graph::Graph;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::terminal::progress::spinner;

use crate::commands::{discover, own_program};

/// Memory that engines stay below while they load, on top of three times the weights.
const LOAD_BYTES: u64 = 128 << 20;

/// A model, and the file that it is from.
#[derive(Clone, Copy)]
pub struct Model<'a> {
    pub path: &'a Path,
    pub graph: &'a Graph,
    pub shapes: &'a InputShapes,
}

/// Tries the engine of the request, where the processor runs it there and it is linked in here; where it
/// refuses, the others of the profile too.
pub fn trials(model: Model, request: &Request) -> anyhow::Result<Vec<Trial>> {
    let profile = request.profile;
    if profile.class == Class::Gpu || profile.weights_in == WeightsIn::Flash {
        return Ok(Vec::new());
    }
    let Some(engine) = request.engine else {
        return Ok(Vec::new());
    };
    let Some(first) = trial(model, &engine.name, request)? else {
        return Ok(Vec::new());
    };
    let refused = matches!(first.outcome, TrialOutcome::Refused { .. });
    let mut trials = vec![first];
    if refused {
        let others = profile.engines.iter().map(|other| &other.name);
        for other in others.filter(|other| **other != engine.name) {
            trials.extend(trial(model, other, request)?);
        }
    }
    Ok(trials)
}

/// `None` for an engine that is not linked in.
fn trial(model: Model, engine: &EngineId, request: &Request) -> anyhow::Result<Option<Trial>> {
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
    if name == EngineName::OnnxRuntime
        && let Err(missing) = discover(&Cache::of_user()?)
    {
        return not_tried(missing.to_string());
    }
    if !has_room(model) {
        return not_tried("this machine may not have the memory that is free for it".into());
    }
    let candidate = Candidate {
        model: model.path.to_path_buf(),
        target: name.into(),
        threads: request.threads.min(cores()) as usize,
        shapes: model
            .shapes
            .0
            .iter()
            .map(|(_, dims)| dims.clone())
            .collect(),
        inputs: Vec::new(),
    };
    let spinner = spinner(&format!("trying it in {name}"));
    let ran = run_once(&candidate, &own_program()?);
    drop(spinner);
    Ok(made(match ran {
        Ok(()) => TrialOutcome::Ran,
        Err(error) => refused(model.graph, name, &error.to_string()),
    }))
}

/// The refusal of an engine, explained.
pub fn refused(graph: &Graph, engine: EngineName, said: &str) -> TrialOutcome {
    let found = diagnose(graph, engine, said);
    TrialOutcome::Refused {
        node: found.node,
        words: found.words,
    }
}

fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// Whether this machine has the memory for a run, as far as that can be said.
fn has_room(model: Model) -> bool {
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
