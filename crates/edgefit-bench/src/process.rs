use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use edgefit_engine::NodeTime;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::schedule::Worker;
use crate::worker::{Order, Ready, Round, WarmUp};

/// How to start the process of a candidate.
#[derive(Debug, Clone)]
pub struct Launch {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that it gets beside those of this process.
    pub variables: Vec<(String, PathBuf)>,
}

/// A candidate in a process of its own, gone when dropped.
pub struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    ready: Ready,
    cold_start_ns: u64,
}

impl Launch {
    /// Starts the process and waits for its first result.
    ///
    /// # Errors
    /// The program does not start, or the model does not run; the child's own words.
    pub fn start(&self) -> Result<Process> {
        let begun = Instant::now();
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, path)| (name, path)));
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|source| Error::Start {
            binary: self.binary.clone(),
            source,
        })?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Died("its pipes are missing".into()));
        };
        let mut process = Process {
            child,
            orders,
            answers: BufReader::new(answers),
            ready: Ready {
                load_ns: 0,
                first_ns: 0,
                loaded: None,
            },
            cold_start_ns: 0,
        };
        process.ready = process.answer()?;
        process.cold_start_ns = begun.elapsed().as_nanos() as u64;
        Ok(process)
    }
}

impl Process {
    fn ask<T: DeserializeOwned>(&mut self, order: Order) -> Result<T> {
        let mut line = serde_json::to_vec(&order).map_err(std::io::Error::from)?;
        line.push(b'\n');
        // A child that died says why on its stderr.
        if self.orders.write_all(&line).is_err() {
            return Err(self.died());
        }
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(self.died());
        }
        serde_json::from_str(&line).map_err(|_| Error::Answer(line.trim().to_owned()))
    }

    fn died(&mut self) -> Error {
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // Whatever it said up to where it cannot be read.
            let _ = stderr.read_to_string(&mut words);
        }
        let last = words.lines().rev().find(|line| !line.trim().is_empty());
        let last = last.map(|line| line.trim_start_matches("error: ").to_owned());
        Error::Died(match (last, self.child.wait()) {
            (Some(words), _) => words,
            (None, Ok(status)) => format!(
                "its process ended without a word ({status}); if the system killed it, the model \
                 needs more memory than there is"
            ),
            (None, Err(error)) => error.to_string(),
        })
    }
}

impl Worker for Process {
    fn ready(&self) -> &Ready {
        &self.ready
    }

    fn cold_start_ns(&self) -> u64 {
        self.cold_start_ns
    }

    fn warm_up(&mut self) -> Result<WarmUp> {
        self.ask(Order::WarmUp)
    }

    fn round(&mut self, ns: u64) -> Result<Round> {
        self.ask(Order::Round(ns))
    }

    fn profile(&mut self) -> Result<Vec<NodeTime>> {
        self.ask(Order::Profile)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is gone already, or goes now; either is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
