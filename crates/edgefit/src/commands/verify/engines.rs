use std::ffi::OsString;

use anyhow::Context;
use edgefit::engine::child::Launch;
use edgefit::engine::parity::{Side, refused};
use edgefit::engine::{Array, EngineName, Error, Executor, Isolated};
use edgefit::graph::Graph;
use serde::Serialize;

use crate::output::Output;

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
pub struct Fared {
    pub engine: EngineName,
    pub status: Status,
    /// What it said, and the mend where it is known.
    pub problem: Option<String>,
}

/// An engine in processes of its own: one for the model, and one for what it is compared with.
pub struct Contestant {
    pub fared: Fared,
    pub model: Isolated,
    pub other: Option<Isolated>,
}

/// Starts `engines`, each twice if there is another model.
///
/// # Errors
/// There is no room for temporary files, or `needed` is not there.
pub fn start(
    engines: &[EngineName],
    needed: Option<EngineName>,
    threads: usize,
    two_models: bool,
    output: &mut Output,
) -> anyhow::Result<Vec<Contestant>> {
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    let isolated = |engine: EngineName| -> std::io::Result<Isolated> {
        let arguments = [
            "engine-worker",
            "--engine",
            &engine.to_string(),
            "--threads",
        ];
        let mut arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        arguments.push(threads.to_string().into());
        let launch = Launch {
            binary: binary.clone(),
            arguments,
            variables: Vec::new(),
        };
        Isolated::new(engine, launch)
    };
    let mut contestants = Vec::new();
    for &engine in engines {
        let no_room = "cannot make a folder for temporary files";
        let mut contestant = Contestant {
            fared: Fared {
                engine,
                status: Status::Ran,
                problem: None,
            },
            model: isolated(engine).context(no_room)?,
            other: match two_models {
                true => Some(isolated(engine).context(no_room)?),
                false => None,
            },
        };
        match contestant.model.start() {
            Ok(()) => {}
            Err(missing @ Error::NoOnnxRuntime(_)) if needed == Some(engine) => {
                return Err(missing.into());
            }
            Err(missing @ Error::NoOnnxRuntime(_)) => {
                output.warn(&format!("{missing}; comparing the others"));
                contestant.fared.status = Status::Missing;
                contestant.fared.problem = Some(missing.to_string());
            }
            Err(error) => contestant.failed(None, &error),
        }
        contestants.push(contestant);
    }
    Ok(contestants)
}

impl Contestant {
    /// Loads the model, and the other one.
    pub fn load(&mut self, graph: &Graph, other: Option<&Graph>) {
        if self.fared.status != Status::Ran {
            return;
        }
        let mut load = || -> Result<(), Error> {
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
    pub fn run(&mut self, graph: &Graph, inputs: &[Array]) -> Option<[Option<Vec<Array>>; 2]> {
        if self.fared.status != Status::Ran {
            return None;
        }
        let ran = self.model.run(inputs).and_then(|outputs| {
            let other = self.other.as_mut().map(|other| other.run(inputs));
            Ok([Some(outputs), other.transpose()?])
        });
        ran.map_err(|error| self.failed(Some(graph), &error)).ok()
    }

    pub fn failed(&mut self, graph: Option<&Graph>, error: &Error) {
        self.fared.status = match error {
            Error::Crashed { .. } => Status::Crashed,
            _ => Status::Failed,
        };
        let known = graph.and_then(|graph| refused(graph, self.fared.engine));
        self.fared.problem = Some(match known {
            Some(known) => format!("{error}; {known}"),
            None => error.to_string(),
        });
    }
}

/// Two sides of a comparison: two engines on `graph`, or one engine on it and on `other`.
pub fn sides<'a>(
    contestants: &'a mut [Contestant],
    [a, b]: [EngineName; 2],
    graph: &'a Graph,
    other: Option<&'a Graph>,
) -> Option<[Side<'a>; 2]> {
    let mut found = contestants
        .iter_mut()
        .filter(|contestant| [a, b].contains(&contestant.fared.engine));
    let first = found.next()?;
    if let Some(other) = other {
        let b = Side {
            graph: other,
            engine: first.other.as_mut()?,
        };
        let a = Side {
            graph,
            engine: &mut first.model,
        };
        return Some([a, b]);
    }
    let second = found.next()?;
    let [first, second] = [first, second].map(|contestant| Side {
        graph,
        engine: &mut contestant.model,
    });
    Some([first, second])
}
