//! The measuring itself, on this machine or on a board.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::bench::context::emulator_program;
use edgefit::bench::schedule::Schedule;
use edgefit::bench::{Launch, Session};
use edgefit::engine::{Effort, Provider};
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use serde::{Deserialize, Serialize};

use super::super::discover;
use super::super::remote::Remote;
use super::candidates::Candidate;
use crate::cli::BenchSession;
use crate::output::{Outcome, Output};

const SCHEMA: &str = "edgefit.bench-session/1";

/// What a board is told to measure.
#[derive(Serialize, Deserialize)]
struct Plan {
    workers: Vec<Worker>,
    schedule: Schedule,
}

/// How the process of a candidate is started.
#[derive(Debug, Serialize, Deserialize)]
pub struct Worker {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

/// The board's side of [`there`].
pub fn run(args: BenchSession, output: &mut Output) -> anyhow::Result<Outcome> {
    let plan: Plan = serde_json::from_str(&args.plan).context("the plan cannot be read")?;
    let session = here(&plan.workers, plan.schedule, || ())?;
    output.result(SCHEMA, &session, || format!("{session:?}"))?;
    Ok(Outcome::Yes)
}

/// Measures workers, given by their arguments, on this machine.
pub fn here(workers: &[Worker], schedule: Schedule, tell: impl FnMut()) -> anyhow::Result<Session> {
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    // A child that is told need not search; without, its own candidates say so.
    let found = discover(&Cache::of_user()?).ok();
    let library = found.map(|found| (LIBRARY_VARIABLE.to_owned(), found.path.clone().into()));
    let emulator = emulator_program();
    // Its times are shown to nobody.
    let schedule = match emulator {
        Some(_) => Schedule {
            effort: Effort {
                runs: 1,
                time: Duration::ZERO,
            },
            launches: 1,
            ..schedule
        },
        None => schedule,
    };
    let launches = workers.iter().map(|worker| {
        let arguments = worker.arguments.iter().map(OsString::from);
        let variables = worker.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.into()));
        let own = emulator.is_some().then(|| OsString::from(&binary));
        Launch {
            binary: emulator.clone().unwrap_or_else(|| binary.clone()),
            arguments: own.into_iter().chain(arguments).collect(),
            variables: variables.chain(library.clone()).collect(),
        }
    });
    Ok(Session::here(&launches.collect::<Vec<_>>(), schedule, tell))
}

/// Measures candidates on a board.
pub fn there(
    remote: &mut Remote,
    candidates: &[Candidate],
    schedule: Schedule,
    output: &mut Output,
) -> anyhow::Result<Session> {
    let mut on_board = candidates.to_vec();
    for candidate in &mut on_board {
        candidate.model = remote.keep_model(&candidate.model)?.into();
        for input in &mut candidate.inputs {
            *input = remote.keep_input(input)?.into();
        }
    }
    let plan = Plan {
        workers: workers(&on_board)?,
        schedule,
    };
    let plan = serde_json::to_string(&plan)?;
    remote.ask(&["bench-session", &plan], SCHEMA, output)
}

/// How the candidates' processes are started.
pub fn workers(candidates: &[Candidate]) -> anyhow::Result<Vec<Worker>> {
    let worker = |candidate| {
        Ok(Worker {
            arguments: arguments(candidate)?,
            variables: variables(candidate),
        })
    };
    candidates.iter().map(worker).collect()
}

fn arguments(candidate: &Candidate) -> anyhow::Result<Vec<String>> {
    let mut arguments = vec!["bench-worker".to_owned()];
    let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    option("--engine", candidate.target.to_string());
    option("--threads", candidate.threads.to_string());
    for file in &candidate.inputs {
        option("--input", text(file)?);
    }
    let shapes = candidate.shapes.iter();
    for shape in shapes.filter(|_| candidate.inputs.is_empty()) {
        let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        option("--input-shape", sizes.join("x"));
    }
    arguments.extend(["--".to_owned(), text(&candidate.model)?]);
    Ok(arguments)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("{}: the name is not UTF-8; rename the file", path.display()))
}

fn variables(candidate: &Candidate) -> Vec<(String, String)> {
    // burn's threads are rayon's.
    let threads = ("RAYON_NUM_THREADS", candidate.threads.to_string());
    // So that CUDA's first GPU is the one that NVML is asked about.
    let order = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_owned());
    let on_gpu = candidate.target.provider == Provider::Cuda;
    let variables = [threads].into_iter().chain(on_gpu.then_some(order));
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
