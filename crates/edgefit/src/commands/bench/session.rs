//! `edgefit bench-session`: the board's side of `bench --remote`.

use anyhow::Context;
use edgefit::bench::{Plan, SESSION_SCHEMA};
use edgefit::terminal::{Outcome, Output};

use super::super::own_program;
use crate::cli::BenchSession;

pub fn run(args: BenchSession, output: &mut Output) -> anyhow::Result<Outcome> {
    let plan: Plan = serde_json::from_str(&args.plan).context("the plan cannot be read")?;
    let session = plan.run_here(&own_program()?, || ());
    output.result(SESSION_SCHEMA, &session, || format!("{session:?}"))?;
    Ok(Outcome::Yes)
}
