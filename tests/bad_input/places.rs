//! Places that are no regular files, that cannot be written, or that are full.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::{import, names, train};
use crate::common::{
    Ran, assert_refused, command, resized_backbone, run, small_backbone, some_photographs, weights,
};

#[test]
fn places_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let under_a_file = file.join("model.onnx");
    assert_refused(
        &run(&mut import(&weights(), &under_a_file)),
        &["cannot write", "file/model.onnx"],
    );
    let data = some_photographs(&["bird", "flower"], 6);
    let refused = run(&mut train(data.path(), small_backbone(), &file.join("run")));
    assert_refused(&refused, &["cannot write", "file/run", "choose a place"]);
}

/// Runs edgefit with arguments, and ends it where it hangs.
fn within_a_minute(arguments: &[&str]) -> Ran {
    let mut timeout = Command::new("timeout");
    timeout.arg("60").arg(command().get_program());
    run(timeout.args(arguments))
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_fifo_or_a_device_is_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fifo(&folder.path().join("pipe"));
    fs::create_dir(folder.path().join("run")).unwrap();
    fifo(&folder.path().join("run/job.json"));
    fs::create_dir(folder.path().join("arrays")).unwrap();
    fifo(&folder.path().join("arrays/x.npy"));
    fifo(&folder.path().join("arrays/y.npy"));
    let data = some_photographs(&["bird", "flower"], 6);
    let (pipe, out) = (at("pipe"), at("out"));
    let photographs = data.path().to_str().unwrap();
    let model = small_backbone().to_str().unwrap();
    let train = |data: &str, model: &str, recipe: &str| {
        let mut arguments = vec!["train", data, "--backbone", model, "--device", "host"];
        arguments.extend(["--recipe", recipe, "-o", &out]);
        within_a_minute(&arguments)
    };
    for odd in [pipe.as_str(), "/dev/zero"] {
        for ran in [
            within_a_minute(&["inspect", odd]),
            within_a_minute(&["inspect", model, "--diff", odd]),
            within_a_minute(&["check", odd, "--device", "host"]),
            within_a_minute(&["check", model, "--device", odd]),
            within_a_minute(&["verify", odd]),
            within_a_minute(&["verify", model, "--against", odd]),
            within_a_minute(&["verify", model, "--inputs", odd]),
            within_a_minute(&["verify", model, "--data", photographs, "--split", odd]),
            within_a_minute(&["bench", odd]),
            within_a_minute(&["bench", model, "--input", odd]),
            within_a_minute(&["bench", model, "--baseline", odd]),
            within_a_minute(&["plan", odd]),
            within_a_minute(&["import", odd, "--arch", "mobilenet-v2", "-o", &out]),
            within_a_minute(&["lr-find", odd, "--backbone", model]),
            train(odd, model, "default"),
            train(photographs, odd, "default"),
            train(photographs, model, odd),
        ] {
            let kind = if odd == pipe { "a FIFO" } else { "a device" };
            assert_refused(&ran, &[odd, kind]);
        }
    }
    let arrays = at("arrays");
    assert_refused(&train(&arrays, model, "default"), &["'x'", "a FIFO"]);
    let resumed = within_a_minute(&["train", "--resume", &at("run")]);
    assert_refused(&resumed, &["job.json", "a FIFO"]);
}

#[test]
fn only_regular_files_are_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("kept"), "kept").unwrap();
    std::os::unix::fs::symlink(at("kept"), at("link.onnx")).unwrap();
    fifo(&folder.path().join("pipe"));
    fs::write(at("table.csv"), "id,lower,upper,size\na,0,1,8\n").unwrap();
    let checkpoint = weights();
    let checkpoint = checkpoint.to_str().unwrap();
    let model = small_backbone().to_str().unwrap();
    for (place, kind) in [
        (at("link.onnx"), "a link to"),
        (at("pipe"), "a FIFO"),
        ("/dev/null".to_owned(), "a device"),
        (at(""), "a folder"),
    ] {
        for arguments in [
            &["import", checkpoint, "--arch", "efficientnet-lite0", "-o"][..],
            &["check", model, "--device", "host", "--plan"],
            &["verify", model, "--reduce"],
            &["bench", model, "--export-csv"],
            &["bench", model, "--export-md"],
            &["device", "probe", "-o"],
            &["plan", &at("table.csv"), "--svg"],
        ] {
            let ran = within_a_minute(&[arguments, &[&place]].concat());
            assert_refused(&ran, &["cannot write", &place, kind]);
        }
    }
    let data = some_photographs(&["bird", "flower"], 6);
    let run_folder = folder.path().join("run");
    fs::create_dir(&run_folder).unwrap();
    std::os::unix::fs::symlink(at("kept"), run_folder.join("events.jsonl")).unwrap();
    let ran = run(&mut train(data.path(), small_backbone(), &run_folder));
    assert_refused(&ran, &["run holds a events.jsonl that no run has written"]);
    assert_eq!(fs::read_to_string(at("kept")).unwrap(), "kept");
    assert!(fs::symlink_metadata(at("link.onnx")).unwrap().is_symlink());
}

#[test]
fn a_disk_that_fills_up_leaves_nothing_behind() {
    // A limit on the size of files stops the write in the middle, as a full disk does.
    let limited = |command: &Command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.arg0("sh");
        shell
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.onnx");
    let ran = run(&mut limited(&import(&weights(), &out)));
    assert_refused(&ran, &["cannot write", "model.onnx"]);
    assert_eq!(names(folder.path()), Vec::<String>::new());

    let data = some_photographs(&["bird", "flower"], 6);
    let out = folder.path().join("run");
    let ran = run(&mut limited(&train(data.path(), resized_backbone(), &out)));
    assert_refused(&ran, &["cannot write", "run/", "File too large"]);
    assert!(
        !names(&out)
            .iter()
            .any(|name| name.contains("onnx") || name.starts_with('.')),
        "{:?}",
        names(&out)
    );
}
