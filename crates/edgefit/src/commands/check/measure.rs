//! What a model takes, from running it here or on a board.

use std::time::Duration;

use anyhow::Context;
use edgefit::bench::schedule::Schedule;
use edgefit::bench::statistics::quantile_interval;
use edgefit::bench::{BenchResult, Candidate, Hardware, Plan, measure_on_board};
use edgefit::cost::{Measured, Request, Trial};
use edgefit::device::{Profile, WeightsIn};
use edgefit::engine::{Effort, EngineName};
use edgefit::remote::RemoteRunner;
use edgefit::terminal::progress::spinner;

use super::trial::{Model, refused};
use crate::commands::own_program;
use crate::output::Output;

/// Enough for a median whose interval is narrow.
const SCHEDULE: Schedule = Schedule {
    effort: Effort {
        runs: 30,
        time: Duration::from_secs(2),
    },
    launches: 3,
    profile: false,
};

/// The board, as it describes itself.
pub fn board(remote: &RemoteRunner, output: &mut Output) -> anyhow::Result<Profile> {
    let shown: Profile = remote.ask(&["device", "show", "host"], "edgefit.device/1", output)?;
    Ok(Profile {
        name: remote.host().to_string(),
        ..shown
    })
}

/// What came of running the model.
pub enum Outcome {
    /// What it took.
    Measured(Measured),
    /// The engine does not run it.
    Refused(Trial),
}

/// Runs the model with the engine and the threads of the request.
pub fn measure(
    model: Model,
    request: &Request,
    remote: &mut Option<RemoteRunner>,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        request.profile.weights_in == WeightsIn::Ram,
        "--measure runs the model on a computer, and {} is none; leave --measure out",
        request.profile.name
    );
    let engine = request.engine.map_or("", |engine| engine.name.as_str());
    let engine: EngineName = engine.parse().ok().with_context(|| {
        format!("--measure runs tract and onnxruntime, not '{engine}'; give --engine")
    })?;
    let candidates = [Candidate {
        model: model.path.to_path_buf(),
        target: engine.into(),
        threads: request.threads as usize,
        shapes: model
            .shapes
            .0
            .iter()
            .map(|(_, dims)| dims.clone())
            .collect(),
        inputs: Vec::new(),
    }];
    let _spinner = spinner("measuring");
    let session = match remote {
        Some(remote) => measure_on_board(remote, &candidates, SCHEDULE, output)?,
        None => Plan::new(&candidates, SCHEDULE)?.run_here(&own_program()?, || ()),
    };
    let [candidate] = &candidates;
    let measured = session.measured.first().context("nothing was measured")?;
    let place = remote.as_ref();
    let place = place.map_or("this machine".to_owned(), |remote| {
        remote.host().to_string()
    });
    if let Some(failure) = &measured.failure {
        return Ok(Outcome::Refused(Trial {
            engine: engine.to_string().into(),
            place: format!("on {place}"),
            outcome: refused(model.graph, engine, &failure.to_string()),
        }));
    }
    if let Some(emulator) = &session.context.emulator {
        anyhow::bail!("{emulator} runs the model; --measure needs the board itself");
    }
    let result = BenchResult::of(candidate, measured, Hardware::Real);
    let median = result.summary.as_ref().and_then(|summary| summary.p50_ns);
    let interval = quantile_interval(&result.times_ns, 0.5);
    Ok(Outcome::Measured(Measured {
        by: format!("a process of {engine} on {place}, measured"),
        peak_rss_bytes: result.peak_rss_bytes,
        run_ns: median
            .zip(interval)
            .map(|(median, (low, high))| [median, low, high]),
    }))
}
