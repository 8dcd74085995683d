//! What a model takes, from running it here or on a board.

use std::time::Duration;

use edgefit_cost::{Measured, Request, Trial};
use edgefit_device::WeightsIn;
use edgefit_engine::{Effort, EngineName};
use edgefit_remote::{Observer, RemoteRunner};

use crate::error::{Error, Result};
use crate::plan::{Plan, measure_on_board};
use crate::program::Program;
use crate::result::{BenchResult, Hardware};
use crate::schedule::Schedule;
use crate::statistics::quantile_interval;
use crate::trial::{ModelFile, refused};

/// Enough for a median whose interval is narrow.
const SCHEDULE: Schedule = Schedule {
    effort: Effort {
        runs: 30,
        time: Duration::from_secs(2),
    },
    launches: 3,
    profile: false,
};

/// What came of running the model.
pub enum MeasuredModel {
    /// What it took.
    Measured(Measured),
    /// The engine does not run it.
    Refused(Trial),
}

/// Where a model is run.
pub enum Place<'a> {
    /// On this machine.
    Here(&'a Program),
    /// On a board.
    Board(&'a mut RemoteRunner, &'a mut dyn Observer),
}

/// Runs the model with the engine and the threads of the request.
///
/// # Errors
/// The request is about a device that runs no such engine, or the measurement fails; that the engine
/// does not run the model is a result.
pub fn measure(model: ModelFile, request: &Request, place: Place) -> Result<MeasuredModel> {
    if request.profile.weights_in != WeightsIn::Ram {
        return Err(Error::Unmeasurable(format!(
            "--measure runs the model on a computer, and {} is none; leave --measure out",
            request.profile.name
        )));
    }
    let engine = request.engine_of(model.graph);
    let engine = engine.map_or("", |engine| engine.name.as_str());
    let engine: EngineName = engine.parse().map_err(|_| {
        Error::Unmeasurable(format!(
            "--measure runs tract and onnxruntime, not '{engine}'; give --engine"
        ))
    })?;
    let candidate = model.candidate(engine, request.threads);
    let candidates = std::slice::from_ref(&candidate);
    let (session, place) = match place {
        Place::Here(program) => {
            let session = Plan::new(candidates, SCHEDULE)?.run_here(program, || ());
            (session, "this machine".to_owned())
        }
        Place::Board(board, observer) => {
            let session = measure_on_board(board, candidates, SCHEDULE, observer)?;
            (session, board.host().to_string())
        }
    };
    let measured = session.measured.first();
    let measured = measured.ok_or_else(|| Error::Unmeasurable("nothing was measured".into()))?;
    if let Some(failure) = &measured.failure {
        return Ok(MeasuredModel::Refused(Trial {
            engine: engine.to_string().into(),
            place: format!("on {place}"),
            outcome: refused(model.graph, engine, &failure.to_string()),
        }));
    }
    if let Some(emulator) = &session.context.emulator {
        return Err(Error::Unmeasurable(format!(
            "{emulator} runs the model; --measure needs the board itself"
        )));
    }
    let result = BenchResult::of(&candidate, measured, Hardware::Real);
    let median = result.summary.as_ref().and_then(|summary| summary.p50_ns);
    let interval = quantile_interval(&result.times_ns, 0.5);
    Ok(MeasuredModel::Measured(Measured {
        by: format!("a process of {engine} on {place}, measured"),
        peak_rss_bytes: result.peak_rss_bytes,
        run_ns: median
            .zip(interval)
            .map(|(median, (low, high))| [median, low, high]),
    }))
}
