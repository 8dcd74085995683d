//! What a model takes, from running it here or on a board.

use std::time::Duration;

use edgefit_cost::{Measured, Request, Trial, TrialOutcome};
use edgefit_device::WeightsIn;
use edgefit_engine::{Effort, EngineName};
use edgefit_graph::Graph;
use edgefit_remote::{Observer, RemoteRunner};

use crate::candidate::Candidate;
use crate::error::{Error, Result};
use crate::plan::{Plan, measure_on_board};
use crate::program::Program;
use crate::result::{BenchResult, Hardware};
use crate::schedule::Schedule;
use crate::session::Session;
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
pub struct MeasuredModel {
    /// Whether the engine ran it.
    pub trial: Trial,
    /// What it took, if it ran.
    pub measured: Option<Measured>,
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
/// The request is about a device that runs no such engine, the engine is not there, or the measurement fails; that
/// the engine does not run the model is a result.
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
            program.has(engine).map_err(edgefit_engine::Error::from)?;
            let session = Plan::new(candidates, SCHEDULE)?.run_here(program, || ());
            (session, "this machine".to_owned())
        }
        Place::Board(board, observer) => {
            board
                .engine(&engine.to_string())
                .map_err(Error::Unmeasurable)?;
            let session = measure_on_board(board, candidates, SCHEDULE, observer)?;
            (session, board.host().to_string())
        }
    };
    summed_up(model.graph, &candidate, session, &place)
}

/// What came of `candidate` in a session at `place`.
fn summed_up(
    graph: &Graph,
    candidate: &Candidate,
    session: Session,
    place: &str,
) -> Result<MeasuredModel> {
    let engine = candidate.target.engine;
    let trial = |outcome| Trial {
        engine: engine.to_string().into(),
        place: format!("on {place}"),
        outcome,
    };
    let Session { context, measured } = session;
    let measured = measured.into_iter().next();
    let mut measured =
        measured.ok_or_else(|| Error::Unmeasurable("nothing was measured".into()))?;
    if let Some(failure) = measured.failure.take() {
        let refused = refused(graph, engine, &failure).ok_or(failure)?;
        return Ok(MeasuredModel {
            trial: trial(refused),
            measured: None,
        });
    }
    if let Some(emulator) = &context.emulator {
        return Err(Error::Unmeasurable(format!(
            "{emulator} runs the model; --measure needs the board itself"
        )));
    }
    let result = BenchResult::of(candidate, &measured, Hardware::Real);
    let median = result.summary.as_ref().and_then(|summary| summary.p50_ns);
    let interval = quantile_interval(&result.times_ns, 0.5);
    Ok(MeasuredModel {
        trial: trial(TrialOutcome::Ran),
        measured: Some(Measured {
            by: format!("a process of {engine} on {place}, measured"),
            peak_rss_bytes: result.peak_rss_bytes,
            run_ns: median
                .zip(interval)
                .map(|(median, (low, high))| [median, low, high]),
        }),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use edgefit_engine::child::ChildError;
    use edgefit_engine::onnxruntime::Missing;
    use edgefit_graph::infer::InputShapes;

    use super::*;
    use crate::context::Context;
    use crate::schedule;
    use crate::trial::trials;

    #[test]
    fn what_was_measured_has_run_and_the_engine_alone_refuses() {
        let graph = Graph::new("g", 17);
        let candidate = Candidate {
            model: "m.onnx".into(),
            target: EngineName::Tract.into(),
            threads: 1,
            shapes: Vec::new(),
            inputs: Vec::new(),
        };
        let of = |failure| {
            let measured = schedule::Measured {
                failure,
                ..schedule::Measured::default()
            };
            let session = Session {
                context: Context::read(Path::new("no/such/root")),
                measured: vec![measured],
            };
            summed_up(&graph, &candidate, session, "this machine")
        };
        let ran = of(None).unwrap();
        assert!(matches!(ran.trial.outcome, TrialOutcome::Ran));
        assert!(ran.measured.is_some());
        let refused = of(Some(ChildError::Died("no f16".into()).into())).unwrap();
        assert!(matches!(
            refused.trial.outcome,
            TrialOutcome::Refused { .. }
        ));
        assert!(refused.measured.is_none());
        assert!(of(Some(Error::NotUtf8("m.onnx".into()))).is_err());
    }
    #[test]
    fn a_library_that_is_missing_is_no_refusal() {
        let profile = edgefit_device::find("raspberry-pi-4b").unwrap();
        let request = Request::new(&profile).with_engine("onnxruntime").unwrap();
        let model = ModelFile {
            path: Path::new("m.onnx"),
            graph: &Graph::new("g", 17),
            shapes: &InputShapes(Vec::new()),
        };
        let program = Program {
            binary: "no-such-program".into(),
            onnxruntime: Err(Missing {
                reason: "it is nowhere".into(),
            }),
        };
        let measured = measure(model, &request, Place::Here(&program));
        let error = measured.err().unwrap().to_string();
        assert!(error.contains("it is nowhere"), "{error}");
        let tried = trials(model, &request, &mut |_| Ok::<_, Error>(program.clone())).unwrap();
        let [trial] = tried.as_slice() else {
            panic!("{tried:?}");
        };
        let outcome = &trial.outcome;
        assert!(
            matches!(outcome, TrialOutcome::NotTried { .. }),
            "{outcome:?}"
        );
    }
}
