//! Why a program does not start or end well on a board, and what helps.

use crate::board::Board;
use crate::ran::Ran;
use crate::words::last_line;

/// Exit codes of a shell that cannot start a program, and of one that a signal ended (POSIX, 2.8.2).
const CANNOT_EXECUTE: i32 = 126;
const NOT_FOUND: i32 = 127;
const SIGNAL: i32 = 128;

/// Exit code of the script where the program is not in its place.
const GONE: i32 = 93;

impl Board {
    /// What the exit code and the last words of a program say of the program itself and of the system; `None`
    /// where it ran and says more.
    pub(crate) fn fault(&self, ran: &Ran) -> Option<String> {
        let detail = last_line(&ran.stderr).unwrap_or_else(|| "it says nothing".to_owned());
        let elsewhere = self.host().with_folder();
        let says = |words: &[&str]| words.iter().any(|word| ran.stderr.contains(word));
        // glibc's loader, which ends with 1 for this.
        if let Some(version) = missing_version(&ran.stderr) {
            return Some(format!(
                "the C library there is older than the one that it was built with, and has no {version}; build \
                 it on a system as old as the board's (scripts/build-runner.sh builds for that of the \
                 machine it runs on), or give the board a newer system"
            ));
        }
        if says(&["error while loading shared libraries"]) {
            return Some(format!(
                "{detail}; install there the package that has this library"
            ));
        }
        match ran.code {
            GONE => Some(format!(
                "it was kept there and is gone at the next connection: {} is another place for each, such as \
                 a private /tmp; name another folder: --remote {elsewhere}",
                self.folder
            )),
            CANNOT_EXECUTE if says(&["Permission denied"]) => Some(format!(
                "{} is not mounted for programs ({detail}); name another folder: --remote {elsewhere}",
                self.folder
            )),
            // What is no program is tried as a script, whose first word is not found.
            code if code == CANNOT_EXECUTE || code == NOT_FOUND && !says(&["No such file"]) => {
                Some(format!(
                    "its system does not take this for a program ({detail}); build it for {} anew, or name \
                 another with --runner",
                    self.architecture
                ))
            }
            NOT_FOUND if self.architecture != self.kernel => Some(format!(
                "its kernel has 64 bits and its system 32, without the loader for this program ({detail}); \
                 install the 64-bit system of the board, or name a --runner for {}",
                self.architecture
            )),
            NOT_FOUND => Some(format!(
                "the loader that it asks for is not there ({detail}): the board has another C library than \
                 glibc, such as musl; name a --runner that was built for that, or linked statically"
            )),
            code if code > SIGNAL => Some(signal(code - SIGNAL, &detail)),
            _ => None,
        }
    }
}

/// What a signal says that ended a program. The numbers are those of Linux on all processors but mips,
/// which has these the same.
fn signal(number: i32, detail: &str) -> String {
    match number {
        4 => {
            "it was ended by an illegal instruction (SIGILL): it was built for a newer processor; \
              build it without `-C target-cpu`, or name another with --runner"
                .into()
        }
        9 => "it was killed (SIGKILL), as the system does when there is too little memory; take a \
              smaller model or --batch, or end what else runs there"
            .into(),
        6 | 8 | 11 => format!(
            "it crashed there (signal {number}: {detail}); look whether it was built for this board"
        ),
        15 => "it was ended from outside (SIGTERM); try again".into(),
        _ => format!("it was ended by signal {number} ({detail}); try again"),
    }
}

/// The version of a library that glibc's loader misses.
fn missing_version(stderr: &str) -> Option<&str> {
    let (_, after) = stderr.split_once("version `")?;
    let (version, after) = after.split_once('\'')?;
    let line = after.lines().next()?;
    (line.trim_start().starts_with("not found")).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::ssh::Ssh;

    /// What is said of a program with this exit code and these words, on a board of these processors.
    fn said(code: i32, stderr: &str, [kernel, architecture]: [&str; 2]) -> Option<String> {
        let ssh: Ssh = "ssh".parse().unwrap();
        let host: Host = "me@board".parse().unwrap();
        let board = Board::new(ssh, host, [kernel, architecture], "/kept");
        let ran = Ran {
            code,
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        board.fault(&ran)
    }

    #[test]
    fn what_ended_a_program_is_told() {
        let same = ["aarch64"; 2];
        let glibc = "/x/edgefit: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /x)\n";
        for (code, stderr, board, words) in [
            (1, glibc, same, "has no GLIBC_2.38"),
            (
                127,
                "edgefit: error while loading shared libraries: libgomp.so.1: cannot open\n",
                same,
                "libgomp.so.1",
            ),
            (
                126,
                "env: '/kept/x': Permission denied\n",
                same,
                "--remote me@board:/FOLDER",
            ),
            (
                126,
                "env: '/kept/x': Exec format error\n",
                same,
                "for aarch64 anew",
            ),
            (
                127,
                "env: '/kept/x': No such file or directory\n",
                same,
                "musl",
            ),
            (
                127,
                "env: '/kept/x': No such file\n",
                ["aarch64", "arm"],
                "--runner for arm",
            ),
            (
                127,
                "/kept/x: 1: ELF: not found\n",
                same,
                "for aarch64 anew",
            ),
            (93, "", same, "gone at the next connection"),
            (132, "Illegal instruction\n", same, "SIGILL"),
            (137, "", same, "too little memory"),
            (139, "", same, "signal 11"),
        ] {
            let said = said(code, stderr, board).unwrap();
            assert!(said.contains(words), "{words}: {said}");
        }
        assert_eq!(said(2, "error: the model cannot be read\n", same), None);
        assert_eq!(said(0, "", same), None);
    }
}
