mod baseline;
pub mod candidates;
pub mod claim;
mod columns;
mod export;
mod gpu;
mod people;
pub mod report;
mod rollup;
pub mod session;
mod turns;
mod warning;
pub mod worker;

use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::bench::Session;
use edgefit::bench::schedule::Schedule;
use edgefit::engine::Effort;

use super::discover;
use super::remote::{Remote, Told};
use crate::cli::Bench;
use crate::output::{Outcome, Output};
use crate::progress::spinner;
use candidates::{Candidate, candidates};
use report::{BenchResult, Failure, Report};
use warning::Warning;

/// Processes of a candidate, if nobody says how many.
const LAUNCHES: u32 = 10;

pub fn run(args: Bench, output: &mut Output) -> anyhow::Result<Outcome> {
    let baseline = args.baseline.as_deref().map(baseline::read).transpose()?;
    let mut remote = Remote::connect(&args.remote, output)?;
    let library = match &remote {
        Some(remote) => remote.onnxruntime(),
        None => discover(&Cache::of_user()?)
            .map(drop)
            .map_err(|missing| missing.to_string()),
    };
    let candidates = candidates(&args, library, output)?;
    let compares = args.assert.iter().any(claim::Claim::compares);
    anyhow::ensure!(
        !compares || candidates.len() > 1 || baseline.is_some(),
        "--assert ratio compares, and there is one candidate; name another model, engine or number \
         of threads, or a --baseline"
    );
    for path in [&args.export_csv, &args.export_md].into_iter().flatten() {
        export::ensure_place(path)?;
    }
    let asserted = args.assert.iter().map(claim::Claim::runs).max();
    let schedule = Schedule {
        effort: Effort {
            runs: asserted.unwrap_or(1).max(args.runs as usize),
            time: Duration::from_nanos(args.time),
        },
        launches: args.launches.unwrap_or(LAUNCHES.min(args.runs)) as usize,
        profile: args.profile,
    };
    let spinner = spinner("measuring");
    let session = match &mut remote {
        Some(remote) => session::there(remote, &candidates, schedule, output),
        None => session::here(&session::workers(&candidates)?, schedule, || spinner.tick()),
    };
    spinner.finish_and_clear();

    let told = remote.as_ref().map(Remote::told);
    let mut report = summed_up(&candidates, session?, told, output);
    if let (Some(baseline), None) = (&baseline, &report.context.emulator) {
        let (compared, warnings) = baseline.against(&report.results, &report.context);
        report.comparisons.extend(compared);
        report.warnings = warnings;
    }
    let judged = args
        .assert
        .iter()
        .flat_map(|claim| claim.judge(&report.results, &report.comparisons));
    report.assertions = judged.collect();
    report.warnings = [Warning::of(&report), report.warnings].concat();
    for warning in &report.warnings {
        output.warn(&warning.to_string());
    }
    if let Some(path) = &args.export_csv {
        export::write(path, &export::csv(&report.results)?)?;
    }
    if let Some(path) = &args.export_md {
        export::write(path, &export::markdown(&report.results))?;
    }
    output.result("edgefit.bench/1", &report, || people::people(&report))?;
    let held = report.assertions.iter().all(|judged| judged.holds);
    // A claim that met nothing to be held against is not true of anything.
    let met = args.assert.is_empty() || !report.assertions.is_empty();
    Ok((report.failures.is_empty() && held && met).into())
}

/// What was measured, candidates that failed apart. Times are left out where an emulator runs.
fn summed_up(
    candidates: &[Candidate],
    session: Session,
    remote: Option<Told>,
    output: &mut Output,
) -> Report {
    let emulated = session.context.emulator.is_some();
    let mut report = Report {
        results: Vec::new(),
        comparisons: Vec::new(),
        assertions: Vec::new(),
        failures: Vec::new(),
        warnings: Vec::new(),
        context: session.context,
        remote,
    };
    for (candidate, measured) in candidates.iter().zip(&session.measured) {
        if let Some(error) = &measured.failure {
            output.warn(&format!("{}: {error}; it is left out", candidate.label()));
            report.failures.push(Failure {
                model: candidate.model.display().to_string(),
                engine: candidate.target.engine,
                provider: candidate.target.provider,
                threads: candidate.threads,
                error: error.to_string(),
            });
            continue;
        }
        if let Some(Err(error)) = &measured.nodes {
            output.warn(&format!(
                "{}: no times of the nodes: {error}",
                candidate.label()
            ));
        }
        report
            .results
            .push(BenchResult::of(candidate, measured, emulated));
    }
    report.comparisons = turns::against_first(&report.results);
    report
}
