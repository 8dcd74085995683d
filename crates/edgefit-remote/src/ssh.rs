//! The system's ssh client, and scripts that it runs on a board.

use std::process::Command;
use std::str::FromStr;

use crate::error::Result;
use crate::frame::Frame;
use crate::host::Host;
use crate::session::Session;

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

impl Ssh {
    /// Runs `script` in the board's POSIX shell, with `arguments` as `$1`, `$2`, …; `doing` is what that
    /// is for. It has begun when this returns.
    ///
    /// # Errors
    /// There is no such client, the board is not reached, or its login shell runs nothing.
    pub(crate) fn start(
        &self,
        host: &Host,
        script: &str,
        arguments: &[&str],
        doing: &str,
    ) -> Result<Session> {
        let frame = Frame::new();
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
        let remote = frame.command(script, arguments);
        command.args(["-T", "--", &host.destination, &remote]);
        Session::start(command, frame, host, doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_words() {
        let ssh: Ssh = "ssh -p 2222 -i 'my key'".parse().unwrap();
        assert_eq!(ssh.program, "ssh");
        assert_eq!(ssh.options, ["-p", "2222", "-i", "my key"]);
        assert!("".parse::<Ssh>().is_err());
        assert!("ssh 'open".parse::<Ssh>().is_err());
    }
}
