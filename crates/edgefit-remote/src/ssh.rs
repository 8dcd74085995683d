//! The system's ssh client, and scripts that it runs on a board.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::host::Host;

/// Exit code of ssh for its own errors, ssh(1).
const OWN_ERROR: i32 = 255;

/// How ssh is called: the program and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    program: String,
    options: Vec<String>,
}

impl FromStr for Ssh {
    type Err = String;

    /// Words as a shell splits them, such as `ssh -p 2222 -i "my key"`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = shlex::split(text).unwrap_or_default().into_iter();
        let program = words
            .next()
            .ok_or("write it like \"ssh -p 2222 -i KEY\", quotes closed")?;
        Ok(Ssh {
            program,
            options: words.collect(),
        })
    }
}

/// A script that runs on the board.
pub(crate) struct Session {
    program: String,
    child: Child,
    /// Open as long as the script is to go on.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    words: JoinHandle<String>,
}

/// How a program ended on the board.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// Exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
}

impl Ssh {
    /// Runs `script` in the board's POSIX shell, with `arguments` as `$1`, `$2`, ….
    pub(crate) fn start(&self, host: &Host, script: &str, arguments: &[&str]) -> Result<Session> {
        let mut remote = format!("exec sh -c {} sh", quoted(script));
        for argument in arguments {
            remote.push(' ');
            remote.push_str(&quoted(argument));
        }
        let mut command = Command::new(&self.program);
        command.args(&self.options);
        // ssh must not ask for passwords, and must notice a board that was switched off.
        for option in [
            "BatchMode=yes",
            "ConnectTimeout=15",
            "ServerAliveInterval=10",
        ] {
            command.args(["-o", option]);
        }
        command.args(["-T", "--", &host.destination, &remote]);
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let fail = |source| Error::NoClient {
            program: self.program.clone(),
            source,
        };
        let mut child = piped.spawn().map_err(fail)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(mut errors)) = pipes else {
            return Err(fail(std::io::Error::other("its pipes are missing")));
        };
        let words = std::thread::spawn(move || {
            let mut words = Vec::new();
            // What could be read before an error counts.
            let _ = errors.read_to_end(&mut words);
            String::from_utf8_lossy(&words).into_owned()
        });
        Ok(Session {
            program: self.program.clone(),
            child,
            input: Some(input),
            output: BufReader::new(output),
            words,
        })
    }

    /// Runs a script to its end; `doing` is what that is for.
    pub(crate) fn run(
        &self,
        host: &Host,
        script: &str,
        arguments: &[&str],
        doing: &str,
    ) -> Result<Ran> {
        self.start(host, script, arguments)?.end(host, doing)
    }
}

impl Session {
    /// The next line that the script prints, up to its end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            // A connection that breaks says so at the end.
            Err(_) => None,
        }
    }

    /// Gives the script all of `file` to read, and then the end of it.
    pub fn send(&mut self, file: &mut impl Read) -> std::io::Result<()> {
        let Some(mut input) = self.input.take() else {
            return Ok(());
        };
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = file.read(&mut buffer)?;
            // A script that reads no further says why at its end.
            if count == 0 || input.write_all(&buffer[..count]).is_err() {
                return Ok(());
            }
        }
    }

    /// Waits for the end. The script's stdin stays open until then, unless it was sent a file.
    pub fn end(mut self, host: &Host, doing: &str) -> Result<Ran> {
        let mut stdout = Vec::new();
        let _ = self.output.read_to_end(&mut stdout);
        let status = self.child.wait().map_err(|source| Error::NoClient {
            program: self.program.clone(),
            source,
        })?;
        drop(self.input.take());
        let stderr = self.words.join().unwrap_or_default();
        match status.code() {
            None | Some(OWN_ERROR) => Err(ssh_error(host, doing, &stderr)),
            Some(code) => Ok(Ran {
                code,
                stdout: String::from_utf8_lossy(&stdout).into_owned(),
                stderr,
            }),
        }
    }
}

/// One word for a shell. Single quotes are the same in every shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a message of OpenSSH's client means; its messages are always in English.
fn ssh_error(host: &Host, doing: &str, stderr: &str) -> Error {
    let detail = last_line(stderr);
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let host = host.clone();
    if says(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        Error::HostKeyChanged { host }
    } else if says(&["Host key verification failed"]) {
        Error::HostKeyUnknown { host }
    } else if says(&["Could not resolve hostname"]) {
        Error::UnknownHost { host, detail }
    } else if says(&["Permission denied", "Too many authentication failures"]) {
        Error::Refused { host, detail }
    } else if says(&[
        "Connection refused",
        "Connection timed out",
        "Operation timed out",
        "No route to host",
        "Network is unreachable",
    ]) {
        Error::Unreachable { host, detail }
    } else {
        let doing = doing.to_owned();
        Error::Dropped {
            host,
            doing,
            detail,
        }
    }
}

/// The last line that is not empty.
pub(crate) fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.unwrap_or("no reason given").trim();
    last.trim_start_matches("ssh: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_understood() {
        let host: Host = "me@board".parse().unwrap();
        let error = |stderr: &str| ssh_error(&host, "copying", stderr);
        let unknown = error("ssh: Could not resolve hostname board: Name or service not known\n");
        assert!(
            matches!(&unknown, Error::UnknownHost { detail, .. } if detail.starts_with("Could"))
        );
        let refused = error("me@board: Permission denied (publickey).\n");
        assert!(refused.to_string().contains("ssh-copy-id me@board"));
        let changed =
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.";
        assert!(matches!(error(changed), Error::HostKeyChanged { .. }));
        let never = "No ED25519 host key is known for board.\nHost key verification failed.\n";
        assert!(matches!(error(never), Error::HostKeyUnknown { .. }));
        let off = "ssh: connect to host board port 22: No route to host\n";
        assert!(matches!(error(off), Error::Unreachable { .. }));
        assert!(matches!(
            error("Connection to board closed by remote host."),
            Error::Dropped { .. }
        ));
        assert!(
            error("")
                .to_string()
                .contains("while copying: no reason given")
        );
    }

    #[test]
    fn options_are_words() {
        let ssh: Ssh = "ssh -p 2222 -i 'my key'".parse().unwrap();
        assert_eq!(ssh.program, "ssh");
        assert_eq!(ssh.options, ["-p", "2222", "-i", "my key"]);
        assert!("".parse::<Ssh>().is_err());
        assert!("ssh 'open".parse::<Ssh>().is_err());
    }

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
