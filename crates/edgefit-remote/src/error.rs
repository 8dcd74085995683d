//! What can go wrong between this machine and a board.

use std::path::PathBuf;

use edgefit_base::schema;

use crate::host::Host;

/// What `scripts/build-runner.sh` builds runners for.
pub(crate) const BUILT: [&str; 2] = ["aarch64", "x86_64"];

/// What can go wrong between this machine and a board.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No ssh client can be started.
    #[error("cannot start `{program}`: {source}; install OpenSSH's client, or name one with --ssh")]
    NoClient {
        /// Program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name of the board leads nowhere.
    #[error("{host} is not known: {detail}; look at its name, or give its address")]
    UnknownHost {
        /// Board.
        host: Host,
        /// What ssh said.
        detail: String,
    },
    /// Nothing answers there.
    #[error(
        "{host} does not answer: {detail}; look whether it is on, whether its ssh server runs, and at the port"
    )]
    Unreachable {
        /// Board.
        host: Host,
        /// What ssh said.
        detail: String,
    },
    /// The board's key is not the one that was met before.
    #[error(
        "{host} shows another host key than before; if you know why it changed, remove the old one \
         with `ssh-keygen -R` and the board's name, and connect once with `ssh {}`",
        host.call()
    )]
    HostKeyChanged {
        /// Board.
        host: Host,
    },
    /// The board's key was never met before.
    #[error(
        "the host key of {host} is not known; connect once with `ssh {}`, and accept the key if it is the board's",
        host.call()
    )]
    HostKeyUnknown {
        /// Board.
        host: Host,
    },
    /// The board does not let the user in.
    #[error(
        "{host} refuses to let you in: {detail}; give it your key with `ssh-copy-id {}`, or name \
         the key with --ssh \"ssh -i KEY\"",
        host.call()
    )]
    Refused {
        /// Board.
        host: Host,
        /// What ssh said.
        detail: String,
    },
    /// The connection was there and is no more.
    #[error("the connection to {host} dropped while {doing}: {detail}; try again")]
    Dropped {
        /// Board.
        host: Host,
        /// What was going on.
        doing: String,
        /// What ssh said.
        detail: String,
    },
    /// The shell of the board's user does not come to what it is asked to run.
    #[error(
        "nothing has begun on {host} after {seconds} s; `ssh {} true` has to end by itself: look at what \
         its login shell waits for, and at start-up files such as ~/.bashrc",
        host.call()
    )]
    NoBegin {
        /// Board.
        host: Host,
        /// How long that was waited for.
        seconds: u64,
    },
    /// The shell of the board's user ends before it runs what it is asked to.
    #[error(
        "{host} runs no command, its login shell ends with exit code {code}: {detail}; `ssh {} true` has to \
         work: give its user a shell (chsh), and look at start-up files such as ~/.bashrc",
        host.call()
    )]
    NoShell {
        /// Board.
        host: Host,
        /// Exit code.
        code: i32,
        /// What it said last.
        detail: String,
    },
    /// What runs on the board says nothing for too long.
    #[error(
        "{host} has said nothing for {seconds} s while {doing}; look whether its disk and network \
         answer, and try again"
    )]
    NoAnswer {
        /// Board.
        host: Host,
        /// What was going on.
        doing: String,
        /// How long that was.
        seconds: u64,
    },
    /// Programs for that board are not made here.
    #[error("{host} is {system} on {machine}; edgefit runs on Linux boards")]
    NotLinux {
        /// Board.
        host: Host,
        /// Its operating system, as `uname -s` says it.
        system: String,
        /// Its machine, as `uname -m` says it.
        machine: String,
    },
    /// The program is made for another processor.
    #[error("{} is for {of}, and {host} is {board}; give a --runner for {board}", file.display())]
    Architecture {
        /// Program.
        file: PathBuf,
        /// What it was made for.
        of: String,
        /// Board.
        host: Host,
        /// What the board is.
        board: String,
    },
    /// The board lacks a program that is needed to copy to it.
    #[error("{host} has no `{tool}`; install coreutils or busybox there")]
    NoTool {
        /// Board.
        host: Host,
        /// Program.
        tool: String,
    },
    /// There is no room on the board.
    #[error(
        "{host} is full: {what} takes {need} B and {folder} has {free} free; make room, or name \
         another folder: --remote {}",
        host.with_folder()
    )]
    Full {
        /// Board.
        host: Host,
        /// What was to be copied.
        what: String,
        /// Its size in bytes.
        need: u64,
        /// Where to.
        folder: String,
        /// What `df` says, in bytes.
        free: String,
    },
    /// The user may not write there.
    #[error(
        "{host} does not let you write into {folder}: {detail}; name a folder of yours: --remote {}",
        host.with_folder()
    )]
    NoPermission {
        /// Board.
        host: Host,
        /// Where to.
        folder: String,
        /// What the board said.
        detail: String,
    },
    /// What was copied does not start, or is ended by the system.
    #[error("{program} does not run on {host}: {words}")]
    NotRunnable {
        /// Program.
        program: String,
        /// Board.
        host: Host,
        /// Why, and what helps.
        words: String,
    },
    /// The program ran on the board and failed.
    #[error("on {host}: {words}")]
    Failed {
        /// Board.
        host: Host,
        /// Its last words.
        words: String,
    },
    /// The program on the board ended without a message.
    #[error(
        "on {host}: edgefit ended without a message (exit code {code}); if the system killed it, there \
         is too little memory"
    )]
    Silent {
        /// Board.
        host: Host,
        /// Its exit code.
        code: i32,
    },
    /// The answer is not understood.
    #[error(
        "the runner on {host} answers what this edgefit does not understand; give the --runner of the \
         same build"
    )]
    OtherBuild {
        /// Board.
        host: Host,
        /// What is wrong with the answer.
        source: Option<schema::Error>,
    },
    /// There is no runner for the board's processor yet.
    #[error(
        "there is no runner for {arch}: build {} with `scripts/build-runner.sh {arch}`, or name one \
         with --runner",
        place.display()
    )]
    NoRunner {
        /// The processor.
        arch: String,
        /// Where it would be found.
        place: PathBuf,
    },
    /// Runners for the board's processor are not made here.
    #[error(
        "{host} runs programs for {arch}{}, and runners are built for {} alone; install the 64-bit system \
         of the board if it has one, or name a runner that you built for {arch} with --runner",
        if kernel == arch { String::new() } else { format!(" on a kernel for {kernel}") },
        BUILT.join(" and ")
    )]
    NeverBuilt {
        /// Board.
        host: Host,
        /// What its programs are made for.
        arch: String,
        /// What its kernel is made for.
        kernel: String,
    },
    /// The system does not say which file this program is.
    #[error("cannot find edgefit's own binary: {0}")]
    NoBinary(#[source] std::io::Error),
    /// A file of this machine cannot be copied.
    #[error("cannot read {}: {source}", path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
