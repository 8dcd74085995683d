//! The measuring itself, on this machine or on a board.

use std::ffi::OsString;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::bench::context::emulator_program;
use edgefit::bench::schedule::Effort;
use edgefit::bench::{Launch, Session};
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use serde::{Deserialize, Serialize};

use super::super::discover;
use super::super::remote::Remote;
use super::report::Candidate;
use crate::cli::BenchSession;
use crate::output::{Outcome, Output};

const SCHEMA: &str = "edgefit.bench-session/1";

/// What a board is told to measure.
#[derive(Serialize, Deserialize)]
struct Plan {
    workers: Vec<Vec<String>>,
    effort: Effort,
}

/// The board's side of [`there`].
pub fn run(args: BenchSession, output: &mut Output) -> anyhow::Result<Outcome> {
    let plan: Plan = serde_json::from_str(&args.plan).context("the plan cannot be read")?;
    let session = here(&plan.workers, plan.effort, || ())?;
    output.result(SCHEMA, &session, || format!("{session:?}"))?;
    Ok(Outcome::Yes)
}

/// Measures workers, given by their arguments, on this machine.
pub fn here(
    workers: &[Vec<String>],
    effort: Effort,
    tell: impl FnMut(),
) -> anyhow::Result<Session> {
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    let mut variables = Vec::new();
    // A child that is told need not search; without, its own candidates say so.
    if let Ok(found) = discover(&Cache::of_user()?) {
        variables.push((LIBRARY_VARIABLE.to_owned(), found.path.clone()));
    }
    let emulator = emulator_program();
    let launches = workers.iter().map(|arguments| {
        let arguments = arguments.iter().map(OsString::from);
        let own = emulator.is_some().then(|| OsString::from(&binary));
        Launch {
            binary: emulator.clone().unwrap_or_else(|| binary.clone()),
            arguments: own.into_iter().chain(arguments).collect(),
            variables: variables.clone(),
        }
    });
    Ok(Session::here(&launches.collect::<Vec<_>>(), effort, tell))
}

/// Measures candidates on a board.
pub fn there(
    remote: &mut Remote,
    candidates: &[Candidate],
    effort: Effort,
    output: &mut Output,
) -> anyhow::Result<Session> {
    let mut on_board = candidates.to_vec();
    for candidate in &mut on_board {
        candidate.model = remote.keep_model(&candidate.model)?.into();
    }
    let plan = Plan {
        workers: workers(&on_board)?,
        effort,
    };
    let plan = serde_json::to_string(&plan)?;
    remote.ask(&["bench-session", &plan], SCHEMA, output)
}

/// The arguments of the candidates' processes.
pub fn workers(candidates: &[Candidate]) -> anyhow::Result<Vec<Vec<String>>> {
    candidates.iter().map(arguments).collect()
}

fn arguments(candidate: &Candidate) -> anyhow::Result<Vec<String>> {
    let mut arguments = vec!["bench-worker".to_owned()];
    let options = [
        ("--engine", candidate.engine.to_string()),
        ("--threads", candidate.threads.to_string()),
    ];
    let shapes = candidate.shapes.iter().map(|shape| {
        let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        ("--input-shape", sizes.join("x"))
    });
    for (name, value) in options.into_iter().chain(shapes) {
        arguments.push(name.into());
        arguments.push(value);
    }
    let model = candidate.model.to_str().with_context(|| {
        let model = candidate.model.display();
        format!("{model}: the name is not UTF-8; rename the file")
    })?;
    arguments.extend(["--".to_owned(), model.to_owned()]);
    Ok(arguments)
}
