//! A run that is killed, stopped or damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::common::process::{interrupt, kill, reaches, start, written};
use crate::common::{
    assert_fields, assert_refused, command, run, small_backbone, some_photographs,
};
use edgefit::base::hash::sha256_hex;

const SHORT: [&str; 2] = ["--epochs", "3"];

fn train(data: &Path, out: &Path, threads: &str, flags: &[&str]) -> Command {
    let mut train = crate::common::train(data, small_backbone());
    train.args(["--stages", "probe,top,full", "--batch", "8"]);
    train.args(flags).args(["--threads", threads, "-o"]);
    train.arg(out).env("RAYON_NUM_THREADS", threads);
    train
}

fn resume(out: &Path) -> Command {
    let mut train = command();
    train.args(["train", "--resume"]).arg(out);
    train
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

/// A state of a run, at which it is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// The samples are split, and nothing is trained.
    Split,
    /// There is a new checkpoint.
    Checkpoint,
    /// A checkpoint is being written, or just was.
    Writing,
}

impl Moment {
    /// Whether a process has come so far that began after the time `before`.
    fn is_reached(self, run: &Path, before: Option<SystemTime>) -> bool {
        let is_new = |name: &str| written(&run.join(name)) > before;
        match self {
            Moment::Split => is_new("splits.json"),
            Moment::Checkpoint => is_new("checkpoint.safetensors"),
            Moment::Writing => {
                let begun = is_new("splits.json") && !temporary(run).is_empty();
                begun || is_new("checkpoint.safetensors")
            }
        }
    }
}

/// Files that get their names when they are whole.
fn temporary(run: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(run).into_iter().flatten().flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(".edgefit-"));
    files.map(|file| file.path()).collect()
}

/// Kills a run at the `moments` in turn, `kills` times; it ends as one that was never killed.
fn is_killed_again_and_again(kills: usize, moments: &[Moment], flags: &[&str]) {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let (whole, killed) = (out.path().join("whole"), out.path().join("killed"));
    let ran = run(&mut train(data.path(), &whole, "1", flags));
    assert!(whole.join("model.onnx").exists(), "{ran:?}");

    for (nth, moment) in moments.iter().cycle().take(kills).enumerate() {
        for half in temporary(&killed) {
            fs::remove_file(half).unwrap();
        }
        let names = ["splits.json", "checkpoint.safetensors"];
        let before = names
            .map(|name| written(&killed.join(name)))
            .into_iter()
            .max();
        let mut child = start(if nth == 0 {
            train(data.path(), &killed, "2", flags)
        } else {
            resume(&killed)
        });
        let is_reached = || moment.is_reached(&killed, before.flatten());
        assert!(
            reaches(&mut child, is_reached),
            "it ended after {nth} kills"
        );
        kill(child);
    }
    run(&mut resume(&killed));
    assert!(!killed.join("checkpoint.safetensors").exists());
    assert_eq!(outcome(&whole), outcome(&killed));
    assert_refused(&run(&mut resume(&killed)), &["is finished"]);
}

#[test]
fn a_run_killed_three_times_gives_the_same_weights_as_on_one_thread() {
    let moments = [Moment::Split, Moment::Checkpoint, Moment::Writing];
    is_killed_again_and_again(3, &moments, &SHORT);
}

#[test]
#[ignore = "takes 1.5 min: 20 kills of a run of three stages"]
fn a_run_killed_twenty_times_gives_the_same_weights_as_on_one_thread() {
    use Moment::{Checkpoint, Split, Writing};
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("long.toml");
    fs::write(&recipe, "[full]\nepochs = 60\npatience = 0\n").unwrap();
    let moments = [Split, Writing, Split, Checkpoint, Split];
    is_killed_again_and_again(20, &moments, &["--recipe", recipe.to_str().unwrap()]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_after_the_step_with_the_best_so_far_and_the_run_goes_on() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let mut child = start(train(data.path(), &run_folder, "2", &SHORT));
    let checkpoint = run_folder.join("checkpoint.safetensors");
    assert!(
        reaches(&mut child, || checkpoint.exists()),
        "it ended by itself"
    );
    assert_eq!(interrupt(child), Some(1));
    let report = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(run_folder.join("report.json")).unwrap()).unwrap()
    };
    let ended = report();
    assert_eq!(ended["interrupted"], true);
    let model = fs::read(run_folder.join("model.onnx")).unwrap();
    assert_eq!(ended["exported"]["sha256"], sha256_hex(&model));
    assert_fields(&ended, &["test.accuracy", "val.accuracy", "stages.0.name"]);
    run(&mut resume(&run_folder));
    assert_eq!(report()["interrupted"], false);

    let whole = out.path().join("whole");
    run(&mut train(data.path(), &whole, "2", &SHORT));
    assert_eq!(outcome(&whole), outcome(&run_folder));
}

#[test]
fn a_disk_that_fills_during_a_checkpoint_keeps_the_one_before() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let filled = out.path().join("filled");
    // Files of 512 KiB at most: there is room for the checkpoint of a head, and not for one of the net.
    let wanted = train(data.path(), &filled, "2", &SHORT);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]);
    limited.arg(wanted.get_program()).args(wanted.get_args());
    let ran = run(&mut limited);
    assert_refused(&ran, &["cannot write", "checkpoint.safetensors", "room"]);
    let checkpoint = filled.join("checkpoint.safetensors");
    let kept = fs::read(&checkpoint).unwrap();

    fs::write(&checkpoint, &kept[..kept.len() - 1]).unwrap();
    let cut = run(&mut resume(&filled));
    assert_refused(&cut, &["checkpoint.safetensors", "damaged or cut short"]);
    fs::write(&checkpoint, &kept).unwrap();
    let ran = run(&mut resume(&filled));
    assert!(filled.join("model.onnx").exists(), "{ran:?}");
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
        &["edgefit.job/9", "edgefit.job/3"],
    );
    fs::write(&job, "{\"schema\": \"edgefit.j").unwrap();
    assert_refused(&run(&mut resume(out.path())), &["damaged job.json"]);
}

#[test]
fn a_run_goes_on_with_its_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    for setting in [
        &["--stages", "probe"][..],
        &["--epochs", "1"],
        &["--lr", "0.1"],
        &["--scheme", "tflite"],
        &["--tune", "1"],
        &["--allow", "EF11"],
        &["--tensorboard"],
        &["--mlflow", "http://127.0.0.1:1"],
        &["--deny", "warnings"],
        &["--force"],
        &["--preprocessing", "raw"],
    ] {
        let refused = run(resume(folder.path()).args(setting));
        assert_refused(&refused, &[setting[0], "cannot be used with", "--resume"]);
    }
}
