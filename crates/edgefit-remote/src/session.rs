//! A script that runs on a board: what it prints between its marks, what it reads, and how long it may
//! be silent.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::client::{Client, LOOK, Next};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::host::Host;
use crate::ran::{OWN_ERROR, Ran, ssh_error};
use crate::words::last_line;

/// Longest time from the start of ssh to the begin of the script: a handshake on a slow board, and what
/// its start-up files wait for in vain (pam_systemd: 25 s).
const BEGIN_LIMIT: Duration = Duration::from_secs(45);

/// Longest silence of a script that has begun: flash that is slow to take what was copied.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// Exit code of a script that ended a program because its own stdin had ended.
const INPUT_ENDED: i32 = 94;

/// Most that is kept of what stands in front of the script's own words, in bytes.
const MOST_NOISE: usize = 1 << 16;

/// Most that a script may print, in bytes: several times the samples of a long measurement.
const MOST_OUTPUT: usize = 1 << 28;

/// Whether a script may be silent for as long as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It measures.
    Any,
    /// What it does takes seconds.
    Limited,
}

/// A script that runs on the board.
pub(crate) struct Session {
    host: Host,
    doing: String,
    frame: Frame,
    /// Its stdin is open as long as the script is to go on.
    client: Client,
    /// What was printed and not read yet.
    heard: Vec<u8>,
}

/// Whether more was heard.
enum Heard {
    More,
    End,
    Late,
}

impl Session {
    /// Starts ssh and waits until the script of `frame` begins; `doing` is what it is for.
    ///
    /// # Errors
    /// The board is not reached, or its login shell runs nothing.
    pub fn start(ssh: Command, frame: Frame, host: &Host, doing: &str) -> Result<Self> {
        let program = ssh.get_program().to_string_lossy().into_owned();
        let client = Client::start(ssh).map_err(|source| Error::NoClient { program, source })?;
        let mut session = Session {
            host: host.clone(),
            doing: doing.to_owned(),
            frame,
            client,
            heard: Vec::new(),
        };
        session.begin()?;
        Ok(session)
    }

    /// Waits for the mark in front of the script's own words.
    fn begin(&mut self) -> Result<()> {
        let mark = self.frame.begin();
        let until = Instant::now() + BEGIN_LIMIT;
        loop {
            if let Some(at) = find(&self.heard, mark.as_bytes()) {
                self.heard.drain(..at + mark.len());
                return Ok(());
            }
            let surplus = self.heard.len().saturating_sub(MOST_NOISE);
            self.heard.drain(..surplus);
            match self.hear(Some(until)) {
                Heard::More => {}
                Heard::Late => {
                    self.client.kill();
                    return Err(Error::NoBegin {
                        host: self.host.clone(),
                        seconds: BEGIN_LIMIT.as_secs(),
                    });
                }
                Heard::End => {
                    let code = self.client.exit_code();
                    let words = self.client.words();
                    return Err(match code {
                        None | Some(OWN_ERROR) => ssh_error(&self.host, &self.doing, &words),
                        Some(code) => {
                            // `nologin` speaks to stdout, a shell that is not there to stderr.
                            let printed = String::from_utf8_lossy(&self.heard);
                            let said = [last_line(&printed), last_line(&words)];
                            let said: Vec<String> = said.into_iter().flatten().collect();
                            Error::NoShell {
                                host: self.host.clone(),
                                code,
                                detail: match said.as_slice() {
                                    [] => "it says nothing".to_owned(),
                                    said => said.join("; "),
                                },
                            }
                        }
                    });
                }
            }
        }
    }

    /// The next line that the script prints, up to its end.
    ///
    /// # Errors
    /// It is silent for too long.
    pub fn line(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&self.heard[..end]).into_owned();
                let ends = self.frame.ended(&format!("{line}\n")).is_some();
                if ends {
                    return Ok(None);
                }
                self.heard.drain(..=end);
                return Ok(Some(line));
            }
            match self.hear(Some(Instant::now() + SILENCE_LIMIT)) {
                Heard::More => {}
                Heard::End => return Ok(None),
                Heard::Late => return Err(self.silent()),
            }
        }
    }

    /// Gives the script all of `file` to read, and then the end of it.
    ///
    /// # Errors
    /// The file cannot be read, or the board takes nothing of it for too long.
    pub fn send(&mut self, mut file: File) -> Result<std::io::Result<()>> {
        let Some(mut input) = self.client.input.take() else {
            return Ok(Ok(()));
        };
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let (done, ended) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            let read = loop {
                match file.read(&mut buffer) {
                    Ok(0) => break Ok(()),
                    // A script that reads no further says why at its end.
                    Ok(count) if input.write_all(&buffer[..count]).is_err() => break Ok(()),
                    Ok(count) => counted.fetch_add(count as u64, Ordering::Relaxed),
                    Err(error) => break Err(error),
                };
            };
            // Nobody may wait for it any more.
            let _ = done.send(read);
        });
        let (mut before, mut since) = (0, Instant::now());
        loop {
            match ended.recv_timeout(LOOK) {
                Ok(read) => return Ok(read),
                Err(RecvTimeoutError::Disconnected) => return Ok(Ok(())),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = sent.load(Ordering::Relaxed);
            if now > before {
                (before, since) = (now, Instant::now());
            }
            // What holds the pipe may outlive ssh.
            if self.client.has_ended() {
                return Ok(Ok(()));
            }
            if since.elapsed() > SILENCE_LIMIT {
                return Err(self.silent());
            }
        }
    }

    /// Waits for the end. The script's stdin stays open until then, unless it was sent a file.
    ///
    /// # Errors
    /// The connection drops before, or the script is silent for too long.
    pub fn end(mut self, silence: Silence) -> Result<Ran> {
        let mut looked = 0;
        loop {
            // The mark at the end may have come in two parts.
            let heard = &self.heard[looked..];
            let text = String::from_utf8_lossy(heard);
            if self.frame.ended(&text).is_some() {
                break;
            }
            looked = self
                .heard
                .len()
                .saturating_sub(2 * self.frame.begin().len());
            let until = (silence == Silence::Limited).then(|| Instant::now() + SILENCE_LIMIT);
            match self.hear(until) {
                Heard::More if self.heard.len() > MOST_OUTPUT => {
                    self.client.kill();
                    return Err(Error::OtherBuild {
                        host: self.host.clone(),
                        source: None,
                    });
                }
                Heard::More => {}
                Heard::End => break,
                Heard::Late => return Err(self.silent()),
            }
        }
        drop(self.client.input.take());
        let code = self.client.exit_code();
        let own = self.own_words();
        let heard = String::from_utf8_lossy(&self.heard);
        match self.frame.ended(&heard) {
            Some((printed, code)) if code != INPUT_ENDED => Ok(Ran {
                code,
                stdout: printed.to_owned(),
                stderr: own,
            }),
            ended => Err(Error::Dropped {
                detail: last_line(&own).unwrap_or_else(|| match code {
                    Some(0) if ended.is_none() => "its output ends in the middle".to_owned(),
                    _ => format!("ssh gives no reason, and `ssh -v {}` may", self.host.call()),
                }),
                host: self.host.clone(),
                doing: self.doing.clone(),
            }),
        }
    }

    /// Waits for more of the output.
    fn hear(&mut self, until: Option<Instant>) -> Heard {
        match self.client.next(until) {
            Next::Heard(chunk) => {
                self.heard.extend(chunk);
                Heard::More
            }
            Next::End => Heard::End,
            Next::Late => Heard::Late,
        }
    }

    /// Ends ssh, and says that the board was silent.
    fn silent(&mut self) -> Error {
        self.client.kill();
        Error::NoAnswer {
            host: self.host.clone(),
            doing: self.doing.clone(),
            seconds: SILENCE_LIMIT.as_secs(),
        }
    }

    /// What came to stderr since the script began.
    fn own_words(&self) -> String {
        let words = self.client.words();
        match words.split_once(&self.frame.begin()) {
            Some((_, own)) => own.to_owned(),
            None => words,
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that runs what it is asked for here, behind `before`.
    fn client(before: &str, frame: &Frame, script: &str) -> Command {
        let mut client = Command::new("sh");
        client.args(["-c", &format!("{before}\n{}", frame.command(script, &[]))]);
        client
    }

    fn start(before: &str, script: &str) -> Result<Session> {
        let host: Host = "board".parse().unwrap();
        let frame = Frame::new();
        Session::start(client(before, &frame, script), frame, &host, "trying")
    }

    #[test]
    fn noise_of_the_login_shell_is_not_the_script() {
        let noise = "printf 'last boot: today '; echo 'warning: noise' >&2";
        let mut session = start(noise, "echo one; echo two; echo three >&2; exit 3").unwrap();
        assert_eq!(session.line().unwrap().as_deref(), Some("one"));
        let ran = session.end(Silence::Limited).unwrap();
        assert_eq!((ran.code, ran.stdout.as_str()), (3, "two\n"));
        assert_eq!(ran.stderr, "three\n");
    }

    #[test]
    fn a_script_that_is_cut_is_a_connection_that_dropped() {
        let session = start("", "echo one; kill -9 $$").unwrap();
        let error = session.end(Silence::Limited).unwrap_err();
        assert!(matches!(error, Error::Dropped { .. }), "{error}");
    }

    #[test]
    fn a_program_that_was_ended_for_want_of_input_is_a_connection_that_dropped() {
        let script = format!("set -- /bin/sh sleep 100\n{}", include_str!("run.sh"));
        // A login shell without stdin.
        let session = start("exec </dev/null", &script).unwrap();
        let error = session.end(Silence::Any).unwrap_err();
        assert!(matches!(error, Error::Dropped { .. }), "{error}");
    }

    #[test]
    fn a_shell_that_runs_nothing_says_why() {
        for (shell, words) in [
            (
                "echo 'This account is currently not available.'; exit 1",
                "not available",
            ),
            ("exit 0", "it says nothing"),
            (
                "printf '\\033[31mno shell\\033[0m\\n' >&2; exit 3",
                "no shell;",
            ),
        ] {
            let Err(error) = start(shell, "echo one") else {
                panic!("{shell}");
            };
            assert!(matches!(error, Error::NoShell { .. }), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    /// Ends what a test left running.
    fn kill(process: &str) {
        let kill = format!("kill {process}");
        let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success(), "{process}");
    }

    #[test]
    fn what_is_left_running_does_not_hold_the_end() {
        let Err(error) = start("sleep 10000 & echo $! >&2; exit 255", "") else {
            panic!("there is no board");
        };
        let Error::Dropped { detail, .. } = error else {
            panic!("{error}");
        };
        kill(&detail);

        let session = start("", "sleep 10000 & echo $!").unwrap();
        kill(&session.end(Silence::Limited).unwrap().stdout);
    }

    #[test]
    fn a_file_is_sent_to_its_end() {
        let mut session = start("", "echo send; wc -c").unwrap();
        assert_eq!(session.line().unwrap().as_deref(), Some("send"));
        let own = std::env::current_exe().unwrap();
        let size = own.metadata().unwrap().len();
        session.send(File::open(own).unwrap()).unwrap().unwrap();
        let ran = session.end(Silence::Limited).unwrap();
        assert_eq!(ran.stdout.trim(), size.to_string());
    }
}
