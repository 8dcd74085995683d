//! `edgefit bench`: arguments into candidates, the measuring, and what is printed.

mod candidates;
pub mod session;
pub mod worker;

use std::time::Duration;

use anyhow::ensure;
use edgefit::assets::Cache;
use edgefit::base::file::{ensure_place, write_text};
use edgefit::bench::schedule::Schedule;
use edgefit::bench::{Assertion, Baseline, Plan, Report, SCHEMA, export, measure_on_board};
use edgefit::engine::{Effort, EngineName};
use edgefit::probe::Progress;
use edgefit::remote::RemoteRunner;
use edgefit::terminal::progress::{Bars, spinner};
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::{discover, own_program};
use crate::board;
use crate::cli::Bench;
use candidates::candidates;

/// Processes of a candidate, if nobody says how many.
const LAUNCHES: u32 = 10;

pub fn run(args: Bench, output: &mut Output) -> anyhow::Result<Outcome> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let mut board = board::connect(&args.remote, output)?;
    let library = match &board {
        Some(board) => board.engine(&EngineName::OnnxRuntime.to_string()),
        None => discover(&Cache::of_user()?)
            .map(drop)
            .map_err(|missing| missing.to_string()),
    };
    let candidates = candidates(&args, library, output)?;
    let compares = args.assert.iter().any(Assertion::compares);
    ensure!(
        !compares || candidates.len() > 1 || baseline.is_some(),
        "--assert ratio compares, and there is one candidate; name another model, engine or number \
         of threads, or a --baseline"
    );
    #[cfg(feature = "train")]
    args.html.ensure_place()?;
    for path in [&args.export_csv, &args.export_md].into_iter().flatten() {
        ensure_place(path)?;
    }
    let schedule = schedule(&args);
    let session = match &mut board {
        Some(board) => {
            let _spinner = spinner(&format!("measuring on {}", board.host()));
            measure_on_board(board, &candidates, schedule, output)?
        }
        None => {
            let mut bar = Bars::default();
            bar.begin("measuring", (candidates.len() * schedule.launches) as u64);
            Plan::new(&candidates, schedule)?.run_here(&own_program()?, || bar.advance())
        }
    };

    let summary = board.as_ref().map(RemoteRunner::summary);
    let mut report = Report::of(&candidates, session, summary);
    report.judge(baseline.as_ref(), &args.assert);
    for remark in report.remarks() {
        output.warn(&remark);
    }
    if let Some(path) = &args.export_csv {
        write_text(path, &export::csv(&report.results)?)?;
    }
    if let Some(path) = &args.export_md {
        write_text(path, &export::markdown(&report.results))?;
    }
    output.result(SCHEMA, &report, || report::benchmark(&report))?;
    #[cfg(feature = "train")]
    args.html.write(SCHEMA, &report)?;
    Ok(report.holds(&args.assert).into())
}

/// How much to measure of each candidate.
fn schedule(args: &Bench) -> Schedule {
    let asserted = args.assert.iter().map(Assertion::runs).max();
    Schedule {
        effort: Effort {
            runs: asserted.unwrap_or(1).max(args.runs as usize),
            time: Duration::from_nanos(args.time),
        },
        launches: args.launches.unwrap_or(LAUNCHES.min(args.runs)) as usize,
        profile: args.profile,
    }
}
