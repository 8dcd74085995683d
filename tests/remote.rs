//! Measuring on a board, which is a real ssh server on loopback.

use std::fs;

use crate::common::board::Board;
use crate::common::wire::{external, model, node};
use crate::common::{
    Ran, assert_fields, assert_refused, command, resized_backbone, run, small_backbone,
};

const BINARY: &str = env!("CARGO_BIN_EXE_edgefit");

/// Lets a command go on only up to the keeping of a file, of which 1 MB comes; then the connection
/// is cut.
const CUT_WHILE_COPYING: &str = r#"
case $SSH_ORIGINAL_COMMAND in
    *"echo send"*) { head -c 1000000; kill -9 $PPID; } | sh -c "$SSH_ORIGINAL_COMMAND" ;;
    *) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac"#;

/// Cuts the connection when the measuring has begun: when a process of the board's runner has started
/// another.
const CUT_WHILE_MEASURING: &str = r#"
case $SSH_ORIGINAL_COMMAND in
    *bench-session*)
        {
            until [ "$(ls -l /proc/[0-9]*/exe | grep -c BOARD/)" -ge 2 ]; do sleep 0.05; done
            kill -9 $PPID
        } </dev/null >/dev/null 2>&1 & ;;
esac
exec sh -c "$SSH_ORIGINAL_COMMAND""#;

/// Puts a file system of 1 MiB in the place of the folder, in a mount namespace of its own.
const FULL: &str = r#"
mkdir -p BOARD
export SSH_ORIGINAL_COMMAND
exec unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=1m none BOARD && exec sh -c "$SSH_ORIGINAL_COMMAND"'"#;

/// The same, read-only.
const READ_ONLY: &str = r#"
mkdir -p BOARD
export SSH_ORIGINAL_COMMAND
exec unshare --map-root-user --mount sh -c 'mount -t tmpfs -o ro none BOARD && exec sh -c "$SSH_ORIGINAL_COMMAND"'"#;

/// A board of another make.
const OTHER_MACHINE: &str = r#"
mkdir -p BOARD-bin
printf '#!/bin/sh\ncase $1 in -m) echo riscv64;; *) echo Linux;; esac\n' >BOARD-bin/uname
chmod 755 BOARD-bin/uname
PATH=BOARD-bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND""#;

/// A board that has a shell and nothing else.
const NO_TOOLS: &str = r#"
mkdir -p BOARD-bin
ln -s /bin/sh BOARD-bin/sh
PATH=BOARD-bin exec sh -c "$SSH_ORIGINAL_COMMAND""#;

/// Start-up files that print what edgefit's own scripts do, and end in the midst of a line.
const TALKATIVE: &str = r#"
printf 'system Plan9\nsend\nedgefit begins\n\033]0;board\007last boot: today '
echo 'warning: 3 updates' >&2
exec sh -c "$SSH_ORIGINAL_COMMAND""#;

/// The shell of an account that is not for people.
const NO_LOGIN: &str = "echo 'This account is currently not available.'; exit 1";

/// A short measurement on the board, with this very binary as the runner.
fn bench(board: &Board, ssh: &str, more: &[&str]) -> Ran {
    bench_for("100ms", board, ssh, more)
}

fn bench_for(time: &str, board: &Board, ssh: &str, more: &[&str]) -> Ran {
    run(command()
        .args([
            "bench",
            "--engine",
            "tract",
            "--time",
            time,
            "--launches",
            "1",
        ])
        .args(["--runner", BINARY, "--remote", &board.host(), "--ssh", ssh])
        .args(more)
        .arg(small_backbone()))
}

#[test]
fn a_board_is_measured_and_what_is_there_is_not_copied_again() {
    let board = Board::start();
    let first = bench(&board, &board.ssh(), &["--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    let report = first.json("edgefit.bench/1");
    assert_fields(
        &report,
        &[
            "results.0.p50_ns",
            "results.0.peak_rss_bytes",
            "context.cores",
        ],
    );
    assert_eq!(
        report["results"][0]["model"],
        small_backbone().to_str().unwrap()
    );
    assert_eq!(report["remote"]["host"], "127.0.0.1");
    assert_eq!(report["remote"]["arch"], std::env::consts::ARCH);
    let copied = report["remote"]["copied"].as_array().unwrap();
    assert_eq!(copied.len(), 2, "{copied:?}");
    let kept = board.entries();
    assert_eq!(kept.len(), 2, "{kept:?}");
    board.assert_clean();

    let second = bench(&board, &board.ssh(), &["--json", "--assert", "p50<=1us"]);
    // The claim is judged as for this machine.
    assert_eq!(second.code, 1, "{second:?}");
    let report = second.json("edgefit.bench/1");
    assert_eq!(report["remote"]["copied"].as_array().unwrap().len(), 0);
    assert_eq!(report["assertions"][0]["holds"], false);
    assert_eq!(board.entries(), kept);
    board.assert_clean();

    let told = bench(&board, &board.ssh(), &[]);
    assert!(told.stdout.contains("nothing had to be copied"), "{told:?}");
}

#[test]
fn what_else_a_board_prints_is_not_taken_for_an_answer() {
    let board = Board::start_with(TALKATIVE);
    let first = bench(&board, &board.ssh(), &["--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(!first.stderr.contains("3 updates"), "{first:?}");
    board.assert_clean();

    // What is there under another name is not copied again.
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("the same.onnx");
    fs::copy(small_backbone(), &other).unwrap();
    let second = bench(&board, &board.ssh(), &["--json", other.to_str().unwrap()]);
    assert_eq!(second.code, 0, "{second:?}");
    let report = second.json("edgefit.bench/1");
    assert_eq!(report["remote"]["copied"].as_array().unwrap().len(), 0);
    assert_eq!(report["results"].as_array().unwrap().len(), 2);

    let board = Board::start_with(NO_LOGIN);
    let none = bench(&board, &board.ssh(), &[]);
    assert_refused(&none, &["runs no command", "not available", "chsh"]);
}

#[test]
fn a_model_is_checked_by_what_it_takes_on_the_board() {
    let board = Board::start();
    let check = |engine: &str, more: &[&str]| {
        let mut check = command();
        check.args([
            "check",
            "--measure",
            "--json",
            "--engine",
            engine,
            "--threads",
            "1",
        ]);
        check.args(more);
        run(check.arg(resized_backbone()))
    };
    let (host, ssh) = (board.host(), board.ssh());
    let there = ["--remote", &host, "--ssh", &ssh, "--runner", BINARY];
    let fits = check("tract", &there);
    assert_eq!(fits.code, 0, "{fits:?}");
    let checked = fits.json("edgefit.check/1");
    assert_eq!(checked["device"], "127.0.0.1");
    let ram = &checked["budgets"][0];
    assert_eq!(
        (&ram["resource"], &ram["basis"]),
        (&"ram".into(), &"measured".into())
    );
    assert_eq!(checked["latency"]["basis"], "measured");
    // The model alone has 18 MB of weights.
    assert!(ram["need_bytes"].as_u64().unwrap() > 18 << 20, "{ram}");
    board.assert_clean();

    let here = check("tract", &["--latency", "1us", "--ram", "8MiB"]);
    assert_eq!(here.code, 1, "{here:?}");
    let checked = here.json("edgefit.check/1");
    assert_eq!(checked["budgets"][0]["basis"], "measured");
    let budgets = checked["budgets"].as_array().unwrap().iter();
    let short = budgets.filter(|budget| budget["holds"] == false);
    assert_eq!(short.count(), 2, "{checked}");

    let none = check("tflite-micro", &["--device", "stm32h743"]);
    assert_refused(&none, &["stm32h743", "leave --measure out"]);
}

#[test]
fn a_connection_that_drops_leaves_nothing_behind() {
    let board = Board::start_with(CUT_WHILE_COPYING);
    let dropped = bench(&board, &board.ssh(), &[]);
    assert_refused(&dropped, &["dropped while copying", "try again"]);
    board.assert_clean();
    assert!(board.entries().is_empty(), "{:?}", board.entries());

    let board = Board::start_with(CUT_WHILE_MEASURING);
    let dropped = bench_for("300s", &board, &board.ssh(), &[]);
    assert_refused(&dropped, &["dropped while measuring"]);
    board.assert_clean();
}

#[test]
fn a_board_without_room_or_permission_says_so() {
    let board = Board::start_with(FULL);
    let full = bench(&board, &board.ssh(), &[]);
    assert_refused(&full, &["127.0.0.1 is full", "free", "name another folder"]);
    board.assert_clean();

    let board = Board::start_with(READ_ONLY);
    let refused = bench(&board, &board.ssh(), &[]);
    assert_refused(
        &refused,
        &["does not let you write into", "Read-only", "name a folder"],
    );

    let board = Board::start_with(NO_TOOLS);
    let bare = bench(&board, &board.ssh(), &[]);
    assert_refused(&bare, &["has no `cat`", "busybox"]);
}

#[test]
fn whom_the_board_or_its_user_does_not_know_is_not_talked_to() {
    let board = Board::start();
    let stranger = bench(&board, &board.ssh_with("stranger", "known_hosts"), &[]);
    assert_refused(
        &stranger,
        &["refuses to let you in", "ssh-copy-id 127.0.0.1"],
    );
    let never_met = bench(&board, &board.ssh_with("user", "no_hosts"), &[]);
    assert_refused(
        &never_met,
        &["host key of 127.0.0.1 is not known", "accept the key"],
    );
    board.known_hosts_of_another();
    let changed = bench(&board, &board.ssh_with("user", "wrong_hosts"), &[]);
    assert_refused(&changed, &["another host key than before", "ssh-keygen -R"]);
    assert!(board.entries().is_empty());
}

#[test]
fn a_board_that_is_not_there_is_named() {
    let elsewhere = |host: &str, ssh: &str| {
        run(command()
            .args(["bench", "--engine", "tract", "--remote", host, "--ssh", ssh])
            .arg(small_backbone()))
    };
    let unknown = elsewhere("board.invalid", "ssh -F none");
    assert_refused(
        &unknown,
        &["board.invalid is not known", "look at its name"],
    );
    let silent = elsewhere("127.0.0.1", "ssh -F none -p 1");
    assert_refused(&silent, &["does not answer", "refused", "port"]);
    let no_client = elsewhere("127.0.0.1", "no-such-ssh");
    assert_refused(
        &no_client,
        &["cannot start `no-such-ssh`", "install OpenSSH"],
    );
    let option = elsewhere("-oProxyCommand=touch /tmp/x", "ssh");
    assert_eq!(option.code, 2, "{option:?}");
}

#[test]
fn a_runner_is_for_the_board_or_is_named() {
    let board = Board::start_with(OTHER_MACHINE);
    let wrong = bench(&board, &board.ssh(), &[]);
    assert_refused(&wrong, &["is for", "riscv64", "--runner"]);
    let none = run(command()
        .args([
            "bench",
            "--engine",
            "tract",
            "--remote",
            &board.host(),
            "--ssh",
            &board.ssh(),
        ])
        .arg(small_backbone()));
    assert_refused(
        &none,
        &[
            "programs for riscv64",
            "aarch64 and x86_64 alone",
            "--runner",
        ],
    );

    // What is no runner at all is told by what it answers.
    let board = Board::start();
    let other = run(command()
        .args([
            "bench",
            "--remote",
            &board.host(),
            "--ssh",
            &board.ssh(),
            "--runner",
            "/bin/true",
        ])
        .arg(small_backbone()));
    assert_refused(&other, &["on 127.0.0.1"]);
    let model = run(command()
        .args([
            "bench",
            "--remote",
            &board.host(),
            "--ssh",
            &board.ssh(),
            "--runner",
        ])
        .args([small_backbone(), small_backbone()]));
    assert_refused(&model, &["no Linux"]);
    board.assert_clean();
}

#[test]
fn weights_beside_the_model_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sum.onnx");
    let add = node("Add", "add", &["x", "w"], &["y"], &[]);
    fs::write(&path, model(&[1], &[add, external("weights", "4")])).unwrap();
    fs::write(folder.path().join("weights"), 2f32.to_le_bytes()).unwrap();
    let board = Board::start();
    let bench = || {
        run(command()
            .args([
                "bench",
                "--engine",
                "tract",
                "--time",
                "50ms",
                "--launches",
                "1",
            ])
            .args([
                "--runner",
                BINARY,
                "--remote",
                &board.host(),
                "--ssh",
                &board.ssh(),
            ])
            .arg(&path))
    };
    let ran = bench();
    assert_eq!(ran.code, 0, "{ran:?}");
    fs::remove_file(folder.path().join("weights")).unwrap();
    assert_refused(&bench(), &["its values lie in the file 'weights'"]);
}
