use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use edgefit_engine::NodeTime;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::schedule::Worker;
use crate::worker::{Order, Ready, Round, WarmUp};

/// Longest last line of a child that is kept, in bytes.
const WORDS: usize = 4096;

/// How to start the process of a candidate.
#[derive(Debug, Clone)]
pub struct Launch {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that it gets beside those of this process.
    pub variables: Vec<(String, OsString)>,
}

/// A candidate in a process of its own, gone when dropped.
pub struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    words: Option<JoinHandle<String>>,
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
        // Read while it runs: an engine that talks much would wait for room in the pipe for ever.
        let child_words = child
            .stderr
            .take()
            .map(|stderr| std::thread::spawn(|| last_line(stderr)));
        let mut process = Process {
            child,
            orders,
            answers: BufReader::new(answers),
            words: child_words,
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
        let status = self.child.wait();
        let words = self.words.take().and_then(|words| words.join().ok());
        let words = words.filter(|words| !words.is_empty());
        Error::Died(match (words, status) {
            (Some(words), Ok(status)) if status.code().is_none() => {
                format!("its process crashed ({status}): {words}")
            }
            (Some(words), _) => words,
            (None, Ok(status)) => format!(
                "its process ended without a word ({status}); if the system killed it, the model \
                 needs more memory than there is"
            ),
            (None, Err(error)) => error.to_string(),
        })
    }
}

/// The last line that is not empty, as far as it can be read.
fn last_line(stderr: ChildStderr) -> String {
    let mut last = String::new();
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stderr)
        .take(WORDS as u64)
        .read_until(b'\n', &mut line)
    {
        let words = String::from_utf8_lossy(&line);
        let words = words.trim().trim_start_matches("error: ");
        if !words.is_empty() {
            last = words.to_owned();
        }
        line.clear();
    }
    last
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
