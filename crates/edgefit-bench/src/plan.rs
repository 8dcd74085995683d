//! What is to be measured, as edgefit tells it to itself on this machine or to its runner on a board.

use std::path::Path;
use std::time::Duration;

use edgefit_base::file::{self, write_atomically};
use edgefit_engine::Effort;
use edgefit_graph::Graph;
use edgefit_remote::{Observer, RemoteRunner};
use serde::{Deserialize, Serialize};

use crate::candidate::{Candidate, Invocation};
use crate::context::emulator_program;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::schedule::Schedule;
use crate::session::Session;

/// Schema of the document in which a board answers with its [`Session`].
pub const SESSION_SCHEMA: &str = "edgefit.bench-session/2";

/// Candidates, and how much to measure of each.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    workers: Vec<Invocation>,
    schedule: Schedule,
}

impl Plan {
    /// The plan for `candidates`, which have to lie on the machine that measures them.
    ///
    /// # Errors
    /// The name of a file is not UTF-8.
    pub fn new(candidates: &[Candidate], schedule: Schedule) -> Result<Self> {
        let workers = candidates.iter().map(Candidate::invocation);
        Ok(Plan {
            workers: workers.collect::<Result<_>>()?,
            schedule,
        })
    }

    /// Measures on this machine. `tell` is called once for each launch of each candidate.
    pub fn run_here(&self, program: &Program, tell: impl FnMut()) -> Session {
        let emulator = emulator_program();
        // The times of an emulator are not shown.
        let schedule = match emulator {
            Some(_) => Schedule {
                effort: Effort {
                    runs: 1,
                    time: Duration::ZERO,
                },
                launches: 1,
                ..self.schedule
            },
            None => self.schedule,
        };
        let launches = self.workers.iter();
        let launches = launches.map(|worker| worker.launch(program, emulator.as_ref()));
        Session::here(&launches.collect::<Vec<_>>(), schedule, tell)
    }
}

/// Copies the files of `candidates` to a board and measures them there.
///
/// # Errors
/// A file cannot be read, the connection drops, or the board's runner fails; or it is of another edgefit, which is told
/// before anything is copied.
pub fn measure_on_board(
    board: &mut RemoteRunner,
    candidates: &[Candidate],
    schedule: Schedule,
    observer: &mut dyn Observer,
) -> Result<Session> {
    let nothing = serde_json::to_string(&Plan::new(&[], schedule)?)?;
    board.ask::<Session>(&["bench-session", &nothing], SESSION_SCHEMA, observer)?;
    let mut models: Vec<(&Path, String)> = Vec::new();
    let mut on_board = candidates.to_vec();
    for (here, there) in candidates.iter().zip(&mut on_board) {
        let known = models.iter().find(|(model, _)| *model == here.model);
        let kept = match known {
            Some((_, kept)) => kept.clone(),
            None => keep_model(board, &here.model)?,
        };
        there.model = kept.clone().into();
        models.push((&here.model, kept));
        for input in &mut there.inputs {
            *input = board.keep_input(input)?.into();
        }
    }
    let plan = serde_json::to_string(&Plan::new(&on_board, schedule)?)?;
    Ok(board.ask(&["bench-session", &plan], SESSION_SCHEMA, observer)?)
}

/// Where a copy of the model lies on the board; external weights become part of the copy.
fn keep_model(board: &mut RemoteRunner, model: &Path) -> Result<String> {
    let local = |path: &Path, source| Error::Copy {
        path: path.to_path_buf(),
        source,
    };
    let bytes = file::read(model).map_err(|error| local(model, error))?;
    if Graph::from_bytes(bytes).is_ok() {
        return Ok(board.keep_model(model)?);
    }
    let bytes = Graph::load(model)
        .map_err(edgefit_engine::Error::from)?
        .to_bytes();
    let folder = tempfile::tempdir().map_err(|error| local(&std::env::temp_dir(), error))?;
    let whole = folder.path().join(model.file_name().unwrap_or_default());
    write_atomically(&whole, |file| file.write_all(&bytes))
        .map_err(|error| local(&whole, error.source))?;
    Ok(board.keep_model(&whole)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_of_nothing_is_answered_at_once() {
        let schedule = Schedule {
            effort: Effort {
                runs: 1000,
                time: Duration::from_secs(3600),
            },
            launches: 10,
            profile: true,
        };
        let plan = Plan::new(&[], schedule).unwrap();
        let program = Program {
            binary: "edgefit".into(),
            onnxruntime: Ok("libonnxruntime.so".into()),
        };
        assert!(plan.run_here(&program, || ()).measured.is_empty());
    }
}
