mod baseline;
pub mod claim;
mod people;
pub mod report;
pub mod session;
mod warning;
pub mod worker;

use std::time::Duration;

use anyhow::Context as _;
use edgefit::assets::Cache;
use edgefit::bench::compare::paired;
use edgefit::bench::schedule::{Effort, Measured};
use edgefit::engine::EngineName;
use edgefit::graph::write_atomically;

use super::remote::Remote;
use super::{discover, load};
use crate::cli::Bench;
use crate::output::{Outcome, Output};
use crate::progress::spinner;
use report::{BenchResult, Candidate, Compared, Failure, Report};
use warning::Warning;

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
    let asserted = args.assert.iter().map(claim::Claim::runs).max();
    let effort = Effort {
        runs: asserted.unwrap_or(1).max(args.runs as usize),
        time: Duration::from_nanos(args.time),
        launches: args.launches.min(args.runs.max(1)) as usize,
        profile: args.profile,
    };
    let spinner = spinner("measuring");
    let session = match &mut remote {
        Some(remote) => session::there(remote, &candidates, effort, output),
        None => session::here(&session::workers(&candidates)?, effort, || spinner.tick()),
    };
    spinner.finish_and_clear();
    let session = session?;
    let emulated = session.context.emulator.is_some();

    let mut report = Report {
        results: Vec::new(),
        comparisons: Vec::new(),
        assertions: Vec::new(),
        failures: Vec::new(),
        warnings: Vec::new(),
        context: session.context,
        remote: remote.as_ref().map(Remote::told),
    };
    let measured = session.measured;
    for (candidate, measured) in candidates.iter().zip(&measured) {
        match &measured.failure {
            Some(error) => {
                let failure = Failure {
                    model: candidate.model.display().to_string(),
                    engine: candidate.engine,
                    threads: candidate.threads,
                    error: error.to_string(),
                };
                output.warn(&format!("{}: {error}; it is left out", failure.model));
                report.failures.push(failure);
            }
            None => {
                if let Some(Err(error)) = &measured.nodes {
                    output.warn(&format!("no times of the nodes: {error}"));
                }
                let mut result = BenchResult::of(candidate, measured, emulated);
                result.energy_missing.clone_from(&session.energy_missing);
                report.results.push(result);
            }
        }
    }
    if !emulated {
        let sound = measured.iter().filter(|one| one.failure.is_none());
        report.comparisons = against_first(&report.results, &sound.collect::<Vec<_>>());
        if let Some(baseline) = &baseline {
            report.comparisons.extend(baseline.against(&report.results));
        }
    }
    let judged = args
        .assert
        .iter()
        .flat_map(|claim| claim.judge(&report.results, &report.comparisons));
    report.assertions = judged.collect();
    report.warnings = Warning::of(&report.context, &report.results);
    for warning in &report.warnings {
        output.warn(&warning.to_string());
    }
    for (path, text) in [
        (&args.export_csv, people::csv(&report)?),
        (&args.export_md, people::markdown(&report)),
    ] {
        if let Some(path) = path {
            write_atomically(path, |file| file.write_all(text.as_bytes()))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    output.result("edgefit.bench/1", &report, || people::people(&report))?;
    let held = report.assertions.iter().all(|judged| judged.holds);
    // A claim that met nothing to be held against is not true of anything.
    let met = args.assert.is_empty() || !report.assertions.is_empty();
    Ok((report.failures.is_empty() && held && met).into())
}

/// Every model in every engine with every number of threads. `library` is ONNX Runtime's: there, or
/// why not.
fn candidates(
    args: &Bench,
    library: Result<(), String>,
    output: &mut Output,
) -> anyhow::Result<Vec<Candidate>> {
    let mut engines = args.engine.clone();
    if let Err(missing) = library
        && engines.is_empty()
    {
        output.warn(&format!("tract alone is measured: {missing}"));
        engines = vec![EngineName::Tract];
    }
    if engines.is_empty() {
        engines = vec![EngineName::Tract, EngineName::OnnxRuntime];
    }
    let mut candidates = Vec::new();
    for model in &args.models {
        let (_, shapes) = load(model, &args.shape)?;
        let shapes: Vec<Vec<usize>> = shapes.0.into_iter().map(|(_, dims)| dims).collect();
        for &engine in &engines {
            for &threads in &args.threads {
                candidates.push(Candidate {
                    model: model.clone(),
                    engine,
                    threads: threads as usize,
                    shapes: shapes.clone(),
                });
            }
        }
    }
    Ok(candidates)
}

/// Each result but the first against it.
fn against_first(results: &[BenchResult], measured: &[&Measured]) -> Vec<Compared> {
    let Some((first, others)) = results.split_first() else {
        return Vec::new();
    };
    let pairs = |other: &Measured| -> Vec<Vec<(u64, u64)>> {
        let launches = measured[0].launches.iter().zip(&other.launches);
        let median = edgefit::bench::statistics::median;
        launches
            .map(|(a, b)| {
                let rounds = a.rounds.iter().zip(&b.rounds);
                rounds
                    .map(|(a, b)| (median(&a.times_ns), median(&b.times_ns)))
                    .collect()
            })
            .collect()
    };
    others
        .iter()
        .zip(measured.iter().skip(1))
        .filter_map(|(other, measured)| {
            Some(Compared {
                candidate: other.label(),
                reference: first.label(),
                interleaved: true,
                ratio: paired(&pairs(measured))?,
            })
        })
        .collect()
}
