//! The engines that take part, and how each fared.

use edgefit_engine::child::{ChildEngine, Launch};
use edgefit_engine::{Array, Engine, EngineName, Error as EngineError};
use edgefit_graph::Graph;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::known_differences::refused;
use crate::side::Side;

/// How an engine fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It ran the model on every input.
    Ran,
    /// It is not installed.
    Missing,
    /// It refused the model or an input.
    Failed,
    /// Its process ended by itself.
    Crashed,
}

/// What an engine made of the model.
#[derive(Debug, Clone, Serialize)]
pub struct EngineReport {
    /// The engine.
    pub engine: EngineName,
    /// How it fared.
    pub status: Status,
    /// What it said, and the fix where it is known.
    pub problem: Option<String>,
}

/// An engine with the model, and with what the model is compared with.
pub struct Participant {
    /// How it fares.
    pub report: EngineReport,
    /// Runs the model.
    pub model: Box<dyn Engine>,
    /// Runs what the model is compared with.
    pub other: Option<Box<dyn Engine>>,
}

/// How many models each engine runs, each in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Models {
    /// The model.
    One,
    /// The model, and another version of it.
    Two,
}

/// Starts `engines` in child processes as `launch` says. One that is missing is told to `warn`, unless
/// it is `needed`.
///
/// # Errors
/// There is no room for temporary files, or `needed` is not there.
pub fn start(
    engines: &[EngineName],
    needed: Option<EngineName>,
    models: Models,
    launch: &dyn Fn(EngineName) -> Launch,
    warn: &mut dyn FnMut(&str),
) -> Result<Vec<Participant>> {
    let child = |engine: EngineName| {
        ChildEngine::new(engine, launch(engine)).map_err(|source| Error::Io {
            what: "cannot make a folder for temporary files".into(),
            source,
        })
    };
    let mut participants = Vec::new();
    for &engine in engines {
        let mut model = child(engine)?;
        let started = model.start();
        let other: Option<Box<dyn Engine>> = match models {
            Models::One => None,
            Models::Two => Some(Box::new(child(engine)?)),
        };
        let mut participant = Participant::new(Box::new(model), other);
        match started {
            Ok(()) => {}
            Err(missing @ EngineError::NoOnnxRuntime(_)) if needed == Some(engine) => {
                return Err(missing.into());
            }
            Err(missing @ EngineError::NoOnnxRuntime(_)) => {
                warn(&format!("{missing}; comparing the others"));
                participant.report.status = Status::Missing;
                participant.report.problem = Some(missing.to_string());
            }
            Err(error) => participant.failed(None, &error),
        }
        participants.push(participant);
    }
    Ok(participants)
}

impl Participant {
    /// An engine that has not run anything yet.
    pub fn new(model: Box<dyn Engine>, other: Option<Box<dyn Engine>>) -> Self {
        Participant {
            report: EngineReport {
                engine: model.name(),
                status: Status::Ran,
                problem: None,
            },
            model,
            other,
        }
    }

    pub(crate) fn runs(&self) -> bool {
        self.report.status == Status::Ran
    }

    /// Loads the model, and the other one.
    pub(crate) fn load(&mut self, graph: &Graph, other: Option<&Graph>) {
        if !self.runs() {
            return;
        }
        let mut load = || -> Result<(), EngineError> {
            self.model.load(graph)?;
            match (&mut self.other, other) {
                (Some(engine), Some(other)) => engine.load(other),
                _ => Ok(()),
            }
        };
        if let Err(error) = load() {
            self.failed(Some(graph), &error);
        }
    }

    /// Outputs of the model, and of the other one; `None` once it has failed.
    pub(crate) fn run(
        &mut self,
        graph: &Graph,
        inputs: &[Array],
    ) -> Option<(Vec<Array>, Option<Vec<Array>>)> {
        if !self.runs() {
            return None;
        }
        let ran = self.model.run(inputs).and_then(|outputs| {
            let other = self.other.as_mut().map(|other| other.run(inputs));
            Ok((outputs, other.transpose()?))
        });
        ran.map_err(|error| self.failed(Some(graph), &error)).ok()
    }

    /// Takes it out of what follows.
    pub(crate) fn failed(&mut self, graph: Option<&Graph>, error: &EngineError) {
        self.report.status = match error {
            EngineError::Crashed { .. } => Status::Crashed,
            _ => Status::Failed,
        };
        let known = graph.and_then(|graph| refused(graph, self.report.engine));
        self.report.problem = Some(match known {
            Some(known) => format!("{error}; {known}"),
            None => error.to_string(),
        });
    }
}

/// Two sides of a comparison: two engines on `graph`, or one engine on it and on `other`.
pub(crate) fn sides<'a>(
    participants: &'a mut [Participant],
    [a, b]: [EngineName; 2],
    graph: &'a Graph,
    other: Option<&'a Graph>,
) -> Option<[Side<'a>; 2]> {
    let mut found = participants
        .iter_mut()
        .filter(|participant| [a, b].contains(&participant.report.engine));
    let first = found.next()?;
    if let Some(other) = other {
        let b = Side {
            graph: other,
            engine: first.other.as_mut()?.as_mut(),
        };
        let a = Side {
            graph,
            engine: first.model.as_mut(),
        };
        return Some([a, b]);
    }
    let second = found.next()?;
    let [first, second] = [first, second].map(|participant| Side {
        graph,
        engine: participant.model.as_mut(),
    });
    Some([first, second])
}
