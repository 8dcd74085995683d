//! A run that is killed, stopped or damaged.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::common::process::{interrupt, kill, reaches, start, written};
use crate::common::{assert_refused, command, run, small_backbone, some_photographs};

fn train(data: &Path, out: &Path, threads: &str, epochs: &str) -> Command {
    let mut train = crate::common::train(data, small_backbone());
    train.args(["--stages", "probe,top,full", "--epochs", epochs]);
    train.args(["--batch", "8", "--threads", threads, "-o"]);
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
    /// A checkpoint is there that was not when the process began.
    Checkpoint,
    /// A file is being written, which gets its name when it is whole.
    Writing,
}

impl Moment {
    fn is_reached(self, run: &Path, before: Option<SystemTime>) -> bool {
        let is_new = |name: &str| written(&run.join(name)) > before;
        match self {
            Moment::Split => is_new("splits.json"),
            Moment::Checkpoint => is_new("checkpoint.safetensors"),
            Moment::Writing => {
                let files = fs::read_dir(run).into_iter().flatten().flatten();
                let mut names = files.map(|file| file.file_name());
                is_new("splits.json")
                    && names.any(|name| name.to_string_lossy().starts_with(".edgefit-"))
            }
        }
    }
}

/// Kills a run `kills` times at the `moments` in turn; it ends as one that was never killed. Says
/// how often it was killed before it was over.
fn killed_again_and_again(kills: usize, moments: &[Moment], epochs: &str) -> usize {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let (whole, killed) = (out.path().join("whole"), out.path().join("killed"));
    let ran = run(&mut train(data.path(), &whole, "1", epochs));
    assert!(whole.join("model.onnx").exists(), "{ran:?}");

    let mut done = 0;
    for moment in moments.iter().cycle().take(kills) {
        // What the processes before wrote half stays where it is.
        for file in fs::read_dir(&killed).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(".edgefit-") {
                fs::remove_file(file.path()).unwrap();
            }
        }
        let files = ["splits.json", "checkpoint.safetensors"];
        let before = files
            .into_iter()
            .filter_map(|name| written(&killed.join(name)))
            .max();
        let mut child = start(if killed.join("job.json").exists() {
            resume(&killed)
        } else {
            train(data.path(), &killed, "2", epochs)
        });
        if !reaches(&mut child, || moment.is_reached(&killed, before)) {
            break;
        }
        kill(child);
        done += 1;
    }
    if !killed.join("report.json").exists() {
        run(&mut resume(&killed));
    }
    assert!(!killed.join("checkpoint.safetensors").exists());
    assert_eq!(outcome(&whole), outcome(&killed));
    assert_refused(&run(&mut resume(&killed)), &["is finished"]);
    done
}

#[test]
fn a_run_killed_three_times_gives_the_same_weights_as_on_one_thread() {
    let moments = [Moment::Split, Moment::Checkpoint, Moment::Writing];
    assert_eq!(killed_again_and_again(3, &moments, "2"), 3);
}

#[test]
#[ignore = "takes 2 min: 20 kills of a run of three stages"]
fn a_run_killed_twenty_times_gives_the_same_weights_as_on_one_thread() {
    use Moment::{Checkpoint, Split, Writing};
    let moments = [Split, Writing, Split, Checkpoint, Split];
    let done = killed_again_and_again(20, &moments, "40");
    assert_eq!(done, 20, "it was over before");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_after_the_step_with_the_best_so_far_and_the_run_goes_on() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let mut child = start(train(data.path(), &run_folder, "2", "3"));
    let checkpoint = run_folder.join("checkpoint.safetensors");
    assert!(
        reaches(&mut child, || checkpoint.exists()),
        "it ended by itself"
    );
    assert_eq!(interrupt(child), Some(1));
    assert!(run_folder.join("model.onnx").exists());
    assert!(!run_folder.join("report.json").exists());
    run(&mut resume(&run_folder));
    assert!(run_folder.join("report.json").exists());

    let whole = out.path().join("whole");
    run(&mut train(data.path(), &whole, "2", "3"));
    assert_eq!(outcome(&whole), outcome(&run_folder));
}

#[test]
fn a_disk_that_fills_during_a_checkpoint_keeps_the_one_before() {
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let (whole, filled) = (out.path().join("whole"), out.path().join("filled"));
    run(&mut train(data.path(), &whole, "2", "1"));

    // Files of 512 KiB at most: there is room for the checkpoint of a head, and not for one of the net.
    let wanted = train(data.path(), &filled, "2", "1");
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
