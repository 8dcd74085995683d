//! How a program ended on a board, and how ssh did.

use crate::error::Error;
use crate::host::Host;
use crate::words::last_line;

/// Exit code of ssh for its own errors, ssh(1).
pub(crate) const OWN_ERROR: i32 = 255;

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

/// What a message of OpenSSH's client means; its messages are always in English.
pub(crate) fn ssh_error(host: &Host, doing: &str, stderr: &str) -> Error {
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let host = host.clone();
    let detail = last_line(stderr)
        .unwrap_or_else(|| format!("ssh gives no reason, and `ssh -v {}` may", host.call()));
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
                .contains("while copying: ssh gives no reason, and `ssh -v me@board` may")
        );
    }
}
