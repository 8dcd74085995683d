//! What users feed by mistake, and what somebody feeds on purpose: exit 2, one line that names the
//! file and the mend, no half-written output.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{assert_refused, backbone, command, run, some_photographs, weights};

fn import(checkpoint: &Path, out: &Path) -> Command {
    let mut import = command();
    import
        .arg("import")
        .arg(checkpoint)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(out);
    import
}

fn train(data: &Path, model: &Path, out: &Path) -> Command {
    let mut train = command();
    train.arg("train").arg(data).arg("--backbone").arg(model);
    train.args(["--device", "raspberry-pi-4b", "-o"]).arg(out);
    train
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn damaged_and_hostile_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.onnx");
    let proof = folder.path().join("proof");
    let whole = fs::read(weights()).unwrap();
    let evil = format!("cos\nsystem\n(Vtouch {}\ntR.", proof.display());
    for (name, bytes) in [
        ("truncated.pth", &whole[..whole.len() / 2]),
        ("short.pth", &whole[..100]),
        ("empty.pth", b""),
        ("text.pth", b"these are not weights"),
        ("evil.pth", evil.as_bytes()),
        ("text.safetensors", b"these are not weights"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert_refused(&run(&mut import(&path, &out)), &[name]);
        assert!(!out.exists(), "{name}");
    }
    assert!(!proof.exists());
    let absent = folder.path().join("absent.pth");
    assert_refused(
        &run(&mut import(&absent, &out)),
        &["absent.pth", "cannot read"],
    );
}

#[test]
fn damaged_models() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(backbone()).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 0xff;
    for (name, bytes) in [
        ("empty.onnx", &b""[..]),
        ("text.onnx", b"this is not a model"),
        ("truncated.onnx", &whole[..whole.len() / 2]),
        ("flipped.onnx", &flipped),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        for verb in ["inspect", "verify"] {
            assert_refused(&run(command().arg(verb).arg(&path)), &[name]);
        }
        let mut check = command();
        check.arg("check").arg(&path).args(["--device", "host"]);
        assert_refused(&run(&mut check), &[name]);
    }
    assert_refused(
        &run(command().args(["inspect", "absent.onnx"])),
        &["absent.onnx"],
    );
    assert_refused(
        &run(command().arg("inspect").arg(folder.path())),
        &["regular file"],
    );
}

#[test]
fn folders_that_are_no_dataset() {
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let refused = |data: &Path, words: &[&str]| {
        assert_refused(&run(&mut train(data, backbone(), &run_folder)), words);
        assert!(!run_folder.exists());
    };
    let data = some_photographs(&["bird", "flower"], 6);
    fs::create_dir(data.path().join("empty")).unwrap();
    refused(data.path(), &["empty", "no images", "remove it"]);

    let one = some_photographs(&["bird"], 6);
    refused(one.path(), &["one class only, 'bird'"]);

    let few = some_photographs(&["bird", "flower"], 2);
    refused(few.path(), &["'bird'", "too few"]);

    refused(Path::new("no/such/folder"), &["no/such/folder"]);
    refused(tempfile::tempdir().unwrap().path(), &["no class folders"]);

    let broken = some_photographs(&["bird"], 6);
    fs::create_dir(broken.path().join("junk")).unwrap();
    fs::write(broken.path().join("junk/a.png"), "junk").unwrap();
    refused(broken.path(), &["'junk' has 0 readable images"]);
}

#[test]
fn a_model_without_preprocessing_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("mute.onnx");
    let mut graph = edgefit::graph::Graph::load(backbone()).unwrap();
    graph.metadata.clear();
    graph.save(&model).unwrap();
    let data = some_photographs(&["bird", "flower"], 6);
    let out = folder.path().join("run");
    assert_refused(
        &run(&mut train(data.path(), &model, &out)),
        &["mute.onnx", "--preprocessing", "lite"],
    );
    let mut told = train(data.path(), &model, &out);
    assert_eq!(run(told.args(["--preprocessing", "lite"])).code, 0);
}

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
    let refused = run(&mut train(data.path(), backbone(), &file.join("run")));
    assert_refused(&refused, &["cannot write", "file/run", "choose a place"]);
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
    let ran = run(&mut limited(&train(data.path(), backbone(), &out)));
    assert_refused(&ran, &["cannot write", "model.onnx"]);
    assert!(
        !names(&out)
            .iter()
            .any(|name| name.contains("onnx") || name.starts_with('.')),
        "{:?}",
        names(&out)
    );
}
