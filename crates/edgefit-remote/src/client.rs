//! The process of ssh and its pipes, none of which holds up whoever reads them.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether ssh has ended: a program that it left behind may hold its pipes.
pub(crate) const LOOK: Duration = Duration::from_millis(200);

/// Longest time that ssh may go on when all is said.
const LINGER: Duration = Duration::from_secs(5);

/// Most that is kept of stderr, in bytes.
const MOST_WORDS: usize = 1 << 16;

/// ssh, as it runs.
pub(crate) struct Client {
    child: Child,
    /// Open until it is taken and dropped.
    pub input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    /// What came to stderr so far.
    words: Arc<Mutex<Vec<u8>>>,
    words_end: Receiver<()>,
}

/// What came next.
pub(crate) enum Next {
    /// More of the output.
    Heard(Vec<u8>),
    /// Its end.
    End,
    /// Nothing, for too long.
    Late,
}

impl Client {
    /// Starts ssh.
    ///
    /// # Errors
    /// There is no such program.
    pub fn start(mut ssh: Command) -> std::io::Result<Self> {
        let piped = ssh
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(mut out), Some(mut errors)) = pipes else {
            return Err(std::io::Error::other("its pipes are missing"));
        };
        let (heard, output) = channel();
        std::thread::spawn(move || {
            each_chunk(&mut out, |chunk| heard.send(chunk.to_vec()).is_ok());
        });
        let words = Arc::<Mutex<Vec<u8>>>::default();
        let (ended, words_end) = channel();
        let kept = words.clone();
        std::thread::spawn(move || {
            each_chunk(&mut errors, |chunk| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(chunk);
                let surplus = kept.len().saturating_sub(MOST_WORDS);
                kept.drain(..surplus);
                true
            });
            // Nobody may wait for it any more.
            let _ = ended.send(());
        });
        Ok(Client {
            child,
            input: Some(input),
            output,
            words,
            words_end,
        })
    }

    /// Waits for more of the output.
    pub fn next(&mut self, until: Option<Instant>) -> Next {
        loop {
            match self.output.recv_timeout(LOOK) {
                Ok(chunk) => return Next::Heard(chunk),
                Err(RecvTimeoutError::Disconnected) => return Next::End,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.has_ended() {
                return match self.output.recv_timeout(LOOK) {
                    Ok(chunk) => Next::Heard(chunk),
                    Err(_) => Next::End,
                };
            }
            if until.is_some_and(|until| Instant::now() > until) {
                return Next::Late;
            }
        }
    }

    /// Whether it has ended, whatever holds its pipes.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Ends it.
    pub fn kill(&mut self) {
        // It may just have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its exit code. What a start-up file left running on the board keeps ssh waiting: then it is ended,
    /// without one.
    pub fn exit_code(&mut self) -> Option<i32> {
        let until = Instant::now() + LINGER;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.code(),
                Ok(None) if Instant::now() < until => std::thread::sleep(LOOK / 10),
                _ => {
                    self.kill();
                    return None;
                }
            }
        }
    }

    /// All that came to stderr, as far as it comes soon.
    pub fn words(&self) -> String {
        let _ = self.words_end.recv_timeout(5 * LOOK);
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&words).into_owned()
    }
}

/// Hands on what comes, until its end or until nobody wants more. An error is an end: whoever waits
/// for the exit code learns the reason.
fn each_chunk(from: &mut impl Read, mut take: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || !take(&buffer[..count]) {
            return;
        }
    }
}
