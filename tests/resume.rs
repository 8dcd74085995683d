//! A run that is killed, stopped or damaged.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{assert_refused, backbone, command, run, some_photographs};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const KILLS: usize = 20;

fn train(data: &Path, out: &Path, threads: &str) -> std::process::Command {
    let mut train = command();
    train
        .arg("train")
        .arg(data)
        .arg("--backbone")
        .arg(backbone());
    train.args(["--device", "raspberry-pi-4b", "--stages", "probe,top,full"]);
    train.args(["--epochs", "3", "--batch", "8", "--threads", threads, "-o"]);
    train.arg(out).env("RAYON_NUM_THREADS", threads);
    train
}

fn resume(out: &Path) -> std::process::Command {
    let mut train = command();
    train.args(["train", "--resume"]).arg(out);
    train
}

fn started(mut command: std::process::Command) -> Child {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().unwrap()
}

/// What is the same for the same weights: the exported file, and every event but the times.
fn outcome(run: &Path) -> (Vec<u8>, Vec<serde_json::Value>) {
    let events = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let told = |event: &serde_json::Value| event["event"] != "end";
    (
        fs::read(run.join("model.onnx")).unwrap(),
        events.filter(told).collect(),
    )
}

#[test]
fn a_run_killed_at_random_moments_gives_the_same_weights_as_on_one_thread() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let whole = out.path().join("whole");
    let began = Instant::now();
    let ran = run(&mut train(data.path(), &whole, "1"));
    assert!(whole.join("model.onnx").exists(), "{ran:?}");
    let took = began.elapsed();

    let killed = out.path().join("killed");
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut kills = 0;
    while kills < KILLS {
        let begun = killed.join("job.json").exists();
        let mut child = started(match begun {
            true => resume(&killed),
            false => train(data.path(), &killed, "2"),
        });
        // Most of the time is that of the first half of a run, where it starts again and again.
        let patience = took.mul_f64(rng.random_range(0.02..0.5));
        let deadline = Instant::now() + patience;
        let mut over = false;
        while Instant::now() < deadline && !over {
            over = child.try_wait().unwrap().is_some();
            std::thread::sleep(Duration::from_millis(5));
        }
        if over {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    if !killed.join("report.json").exists() {
        run(&mut resume(&killed));
    }
    assert!(kills > 3, "only {kills} kills");
    assert!(!killed.join("checkpoint.safetensors").exists());
    assert_eq!(outcome(&whole), outcome(&killed));
    assert_refused(&run(&mut resume(&killed)), &["is finished"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_after_the_step_with_the_best_so_far_and_the_run_goes_on() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let mut child = started(train(data.path(), &run_folder, "2"));
    let checkpoint = run_folder.join("checkpoint.safetensors");
    while !checkpoint.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(run_folder.join("model.onnx").exists());
    assert!(!run_folder.join("report.json").exists());
    run(&mut resume(&run_folder));
    assert!(run_folder.join("report.json").exists());

    let whole = out.path().join("whole");
    run(&mut train(data.path(), &whole, "2"));
    assert_eq!(outcome(&whole), outcome(&run_folder));
}

#[test]
fn a_disk_that_fills_during_a_checkpoint_keeps_the_one_before() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let (whole, filled) = (out.path().join("whole"), out.path().join("filled"));
    run(&mut train(data.path(), &whole, "2"));

    // Files of 20 MiB at most: there is room for the checkpoint of a head, and not for one of the net.
    let wanted = train(data.path(), &filled, "2");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 40960; exec \"$0\" \"$@\""]);
    limited.arg(wanted.get_program()).args(wanted.get_args());
    let ran = run(&mut limited);
    assert_refused(&ran, &["cannot write", "checkpoint.safetensors", "room"]);
    let checkpoint = filled.join("checkpoint.safetensors");
    let kept = fs::read(&checkpoint).unwrap();

    fs::write(&checkpoint, &kept[..kept.len() - 1]).unwrap();
    let cut = run(&mut resume(&filled));
    assert_refused(&cut, &["checkpoint.safetensors", "damaged or cut short"]);
    fs::write(&checkpoint, &kept).unwrap();
    run(&mut resume(&filled));
    assert_eq!(outcome(&whole), outcome(&filled));
}

#[test]
fn runs_that_cannot_be_gone_on_with() {
    let out = tempfile::tempdir().unwrap();
    let absent = out.path().join("absent");
    assert_refused(&run(&mut resume(&absent)), &["absent", "edgefit train"]);
    let job = out.path().join("job.json");
    fs::write(&job, r#"{"schema": "edgefit.job/9"}"#).unwrap();
    assert_refused(
        &run(&mut resume(out.path())),
        &["edgefit.job/9", "edgefit.job/1"],
    );
    fs::write(&job, "{\"schema\": \"edgefit.j").unwrap();
    assert_refused(&run(&mut resume(out.path())), &["damaged job.json"]);
}
