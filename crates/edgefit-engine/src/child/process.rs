//! The parent's side: a process of edgefit's own that is started, asked, and gone when dropped.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, scope};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ChildError;
use super::protocol::Reply;
use crate::onnxruntime::Missing;
use crate::words::is_note;

/// How to start such a process.
#[derive(Debug, Clone)]
pub struct Launch {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that it gets on top of those of this process.
    pub variables: Vec<(String, OsString)>,
}

/// Longest last line of a child that is kept, in bytes; of a longer one, its end.
const LONGEST_LINE: u64 = 4096;

/// The process, gone when dropped.
pub struct Child {
    process: std::process::Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    words: Option<JoinHandle<String>>,
}

impl Launch {
    /// Starts the process.
    ///
    /// # Errors
    /// The program does not start.
    pub fn start(&self) -> Result<Child, ChildError> {
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments);
        // A backtrace would hide its last words.
        command.env("RUST_BACKTRACE", "0");
        command.envs(self.variables.iter().map(|(name, path)| (name, path)));
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = piped.spawn().map_err(|source| ChildError::Start {
            binary: self.binary.clone(),
            source,
        })?;
        let (Some(orders), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(ChildError::Died("its pipes are missing".into()));
        };
        // Read while it runs: an engine that prints much would wait for space in the pipe for ever.
        let stderr = process.stderr.take();
        let words = stderr.map(|stderr| std::thread::spawn(|| last_line(stderr)));
        Ok(Child {
            process,
            orders,
            answers: BufReader::new(answers),
            words,
        })
    }

    /// Runs the process to its end, for the one JSON document that it prints.
    ///
    /// # Errors
    /// It does not start, dies, or prints something else.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T, ChildError> {
        let mut child = self.start()?;
        let mut text = String::new();
        child.answers.read_to_string(&mut text)?;
        if !child.process.wait()?.success() {
            return Err(child.died());
        }
        serde_json::from_str(&text).map_err(|_| ChildError::Answer(text.trim().to_owned()))
    }
}

impl Child {
    /// Gives an order and waits for the answer.
    ///
    /// # Errors
    /// The child refuses, died, with its own last words or the signal, or is not understood.
    pub fn ask<T: DeserializeOwned>(&mut self, order: &impl Serialize) -> Result<T, ChildError> {
        let mut line = serde_json::to_vec(order).map_err(std::io::Error::from)?;
        line.push(b'\n');
        // One that died says why on its stderr.
        if self.orders.write_all(&line).is_err() {
            return Err(self.died());
        }
        self.reply()
    }

    /// Waits for its greeting, which it says unasked.
    ///
    /// # Errors
    /// As [`Child::ask`].
    pub fn greeting<T: DeserializeOwned>(&mut self) -> Result<T, ChildError> {
        self.reply()
    }

    /// Waits for its greeting for so long, and kills it after that.
    ///
    /// # Errors
    /// As [`Child::ask`], and [`ChildError::Silent`].
    pub fn greeting_within<T: DeserializeOwned>(
        &mut self,
        limit: Duration,
    ) -> Result<T, ChildError> {
        let Child {
            process, answers, ..
        } = self;
        let mut line = String::new();
        let (said, hears) = channel();
        let (in_time, read) = scope(|scope| {
            let reader = scope.spawn(|| {
                let read = answers.read_line(&mut line);
                // Nobody listens where the limit is over.
                let _ = said.send(());
                read
            });
            let in_time = hears.recv_timeout(limit).is_ok();
            if !in_time {
                // Its pipe ends, and so does the reader.
                let _ = process.kill();
            }
            (in_time, reader.join())
        });
        if !in_time {
            return Err(ChildError::Silent(limit));
        }
        match read {
            Ok(Ok(1..)) => understood(&line),
            Ok(Err(error)) => Err(error.into()),
            _ => Err(self.died()),
        }
    }

    fn reply<T: DeserializeOwned>(&mut self) -> Result<T, ChildError> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(self.died());
        }
        understood(&line)
    }

    fn died(&mut self) -> ChildError {
        let status = self.process.wait();
        let words = self.words.take().and_then(|words| words.join().ok());
        let words = words.filter(|words| !words.is_empty());
        ChildError::Died(match (words, status) {
            (Some(words), Ok(status)) if status.code().is_none() => {
                format!("its process crashed ({status}): {words}")
            }
            (Some(words), _) => words,
            (None, Ok(status)) => silent_death(status),
            (None, Err(error)) => error.to_string(),
        })
    }
}

fn understood<T: DeserializeOwned>(line: &str) -> Result<T, ChildError> {
    let reply = serde_json::from_str(line);
    match reply.map_err(|_| ChildError::Answer(line.trim().to_owned()))? {
        Reply::Done(answer) => Ok(answer),
        Reply::Missing(reason) => Err(Missing { reason }.into()),
        Reply::Failed(words) => Err(ChildError::Refused(words)),
    }
}

/// The last line that is not empty, as far as it can be read.
fn last_line(stderr: ChildStderr) -> String {
    let mut last = String::new();
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stderr)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
    {
        let words = String::from_utf8_lossy(&line);
        let words = words.trim().trim_start_matches("error: ");
        if !words.is_empty() && !is_note(words) {
            last = words.to_owned();
        }
        line.clear();
    }
    last
}

fn silent_death(status: ExitStatus) -> String {
    format!(
        "its process ended without a word ({status}); if the system killed it, the model needs more \
         memory than there is"
    )
}

impl Drop for Child {
    fn drop(&mut self) {
        // It is gone already, or goes now; either is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch {
            binary: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            variables: Vec::new(),
        }
    }

    #[test]
    fn a_document_is_all_that_a_child_prints() {
        let document: Vec<u32> = shell("echo '[1,'; echo '2]'").document().unwrap();
        assert_eq!(document, [1, 2]);
        let died = shell("echo 'error: no such model' >&2; exit 2").document::<u32>();
        assert!(matches!(died, Err(ChildError::Died(words)) if words == "no such model"));
        let panicked =
            "echo 'panicked: odd' >&2; echo 'note: run with `RUST_BACKTRACE=1` environment' >&2";
        let script = format!("test $RUST_BACKTRACE = 0 && {panicked}; exit 101");
        let died = shell(&script).document::<u32>();
        assert!(matches!(died, Err(ChildError::Died(words)) if words == "panicked: odd"));
    }

    #[test]
    fn a_child_answers_refuses_or_dies() {
        let script =
            "echo '{\"done\":1}'; read order; echo \"{\\\"failed\\\":$order}\"; kill -9 $$";
        let mut child = shell(script).start().unwrap();
        assert_eq!(child.greeting::<u32>().unwrap(), 1);
        let refused = child.ask::<u32>(&"odd shape");
        assert!(matches!(refused, Err(ChildError::Refused(words)) if words == "odd shape"));
        let died = child.ask::<u32>(&"again").unwrap_err().to_string();
        assert!(died.contains("signal: 9"), "{died}");
    }

    #[test]
    fn a_child_that_does_not_greet_in_time_is_killed() {
        let mut child = shell("exec sleep 600").start().unwrap();
        let silent = child.greeting_within::<u32>(Duration::from_millis(20));
        assert!(matches!(silent, Err(ChildError::Silent(_))), "{silent:?}");
        assert!(!child.process.wait().unwrap().success());
        let mut child = shell("echo '{\"done\":1}'").start().unwrap();
        let long = Duration::from_secs(600);
        assert_eq!(child.greeting_within::<u32>(long).unwrap(), 1);
        let mut child = shell("echo 'error: odd' >&2; exit 1").start().unwrap();
        let died = child.greeting_within::<u32>(long);
        assert!(matches!(died, Err(ChildError::Died(words)) if words == "odd"));
    }
}
