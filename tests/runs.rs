//! What lies in the folder of a run: it is not replaced unasked, not written by two, and says what it is.

mod predictions;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::Value;

use crate::common::process::{kill, reaches, start};
use crate::common::{
    Ran, assert_refused, command, onnxruntime, run, small_backbone, some_photographs,
};

const CLASSES: [&str; 3] = ["bird", "flower", "vehicle"];

fn train(data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut train = crate::common::train(data, small_backbone());
    train.args(more).arg("-o").arg(out);
    train
}

fn resume(out: &Path) -> Ran {
    run(command().args(["train", "--json", "--resume"]).arg(out))
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The files in a folder, and what is in them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().to_str().unwrap().to_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != ".lock")
        .collect()
}

/// A recipe that trains on and on.
fn endless(folder: &Path) -> String {
    let recipe = folder.join("endless.toml");
    fs::write(&recipe, "[probe]\nepochs = 100000\npatience = 0\n").unwrap();
    recipe.to_str().unwrap().to_owned()
}

#[test]
fn a_run_stays_whole_until_the_one_that_replaces_it_is() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    assert!(run(&mut train(data.path(), &place, &["--epochs", "3"])).code < 2);
    let first = files(&place);

    let again = run(&mut train(data.path(), &place, &["--seed", "1"]));
    assert_refused(&again, &["holds a finished run", "--force", "-o"]);
    assert!(files(&place) == first);

    // Refused, for the device and for an image.
    let small = ["--force", "--device", "nrf52832"];
    let mut refused = command();
    refused.arg("train").arg(data.path());
    refused.arg("--backbone").arg(small_backbone());
    refused.args(small).arg("-o").arg(&place);
    assert!(run(&mut refused).code > 0);
    let broken = data.path().join("bird/broken.png");
    fs::write(&broken, b"\x89PNG\r\n\x1a\nbroken").unwrap();
    let strict = run(&mut train(data.path(), &place, &["--force", "--strict"]));
    assert_refused(&strict, &["broken.png"]);
    fs::remove_file(broken).unwrap();
    assert!(files(&place) == first);
    assert!(!place.join("next").exists());

    // Killed.
    let flags = ["--force", "--seed", "1"];
    let mut child = start(train(data.path(), &place, &flags));
    let manifest = place.join("next/manifest.json");
    assert!(reaches(&mut child, || manifest.exists()), "it ended");
    kill(child);
    assert!(files(&place) == first);
    let third = run(&mut train(data.path(), &place, &[]));
    assert_refused(&third, &["one that is to replace it", "--resume"]);

    let ended = resume(&place);
    assert!(ended.code < 2, "{ended:?}");
    let report = ended.json("edgefit.train/1");
    let model = place.join("model.onnx");
    assert_eq!(report["exported"]["path"], model.to_str().unwrap());
    assert!(!place.join("next").exists());
    assert_eq!(document(&place.join("job.json"))["recipe"]["seed"], 1);
    let whole = out.path().join("whole");
    run(&mut train(data.path(), &whole, &["--seed", "1"]));
    assert_eq!(
        fs::read(model).unwrap(),
        fs::read(whole.join("model.onnx")).unwrap()
    );
    assert_eq!(
        files(&place).into_keys().collect::<Vec<_>>(),
        files(&whole).into_keys().collect::<Vec<_>>()
    );
}

/// Stops a process, and waits until none of its threads runs any more, where the system says.
#[cfg(unix)]
fn stop(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-STOP", &id]).status().unwrap();
    assert!(sent.success());
    let is_stopped = |thread: fs::DirEntry| {
        let status = fs::read_to_string(thread.path().join("status"));
        status.is_ok_and(|status| status.contains("State:\tT"))
    };
    while let Ok(mut threads) = fs::read_dir(format!("/proc/{}/task", child.id()))
        && !threads.all(|thread| thread.is_ok_and(is_stopped))
    {
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
fn a_folder_is_written_by_one_and_a_killed_one_does_not_hold_it() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    let recipe = endless(out.path());
    let flags = ["--recipe", &recipe];
    let mut first = start(train(data.path(), &place, &flags));
    // An epoch is told when it is over, long before its stage is.
    let events = place.join("events.jsonl");
    let told = || fs::read_to_string(&events).is_ok_and(|text| text.contains("val_loss"));
    assert!(reaches(&mut first, told), "it ended by itself");
    stop(&first);
    let before = files(&place);
    for more in [&flags[..], &["--force"]] {
        let second = run(&mut train(data.path(), &place, more));
        assert_refused(&second, &["another edgefit", "run"]);
    }
    assert_refused(&resume(&place), &["another edgefit", "run"]);
    assert!(files(&place) == before);
    kill(first);

    let unfinished = run(&mut train(data.path(), &place, &flags));
    assert_refused(&unfinished, &["an unfinished run", "--resume", "--force"]);
    let mut resumed = command();
    resumed.args(["train", "--resume"]).arg(&place);
    let mut resumed = start(resumed);
    let checkpoint = place.join("checkpoint.safetensors");
    assert!(reaches(&mut resumed, || checkpoint.exists()), "it ended");
    kill(resumed);
}

#[test]
fn a_run_is_not_gone_on_with_on_anything_else() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let (place, model) = (out.path().join("run"), out.path().join("own.onnx"));
    fs::copy(small_backbone(), &model).unwrap();
    let mut train = crate::common::train(data.path(), &model);
    train.args(["--stages", "probe,full", "--epochs", "4", "-o"]);
    let mut child = start({
        train.arg(&place);
        train
    });
    let manifest = place.join("manifest.json");
    assert!(reaches(&mut child, || manifest.exists()), "it ended");
    kill(child);
    let before = files(&place);

    let bird = data.path().join("bird");
    let mut names: Vec<_> = fs::read_dir(&bird)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let (first, second) = (&names[0], &names[1]);
    let aside = out.path().join("aside");
    let refused = |words: &[&str]| {
        assert_refused(&resume(&place), words);
        assert!(files(&place) == before);
    };
    let told = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();

    fs::rename(first, &aside).unwrap();
    refused(&["1 image is gone", &told(first), "--force"]);
    fs::rename(&aside, first).unwrap();

    let extra = bird.join("extra.png");
    image::GrayImage::new(64, 64).save(&extra).unwrap();
    refused(&["1 image is new (bird/extra.png)"]);
    fs::remove_file(&extra).unwrap();

    fs::copy(second, &aside).unwrap();
    fs::copy(first, second).unwrap();
    refused(&["1 image is changed", &told(second)]);
    fs::copy(&aside, second).unwrap();

    let other = bird.join("zzz.png");
    fs::rename(first, &other).unwrap();
    refused(&["1 image is renamed", "bird/zzz.png now"]);
    fs::rename(&other, first).unwrap();

    let vogel = data.path().join("vogel");
    fs::rename(&bird, &vogel).unwrap();
    refused(&["class 'bird' is called 'vogel' now"]);
    fs::rename(&vogel, &bird).unwrap();

    fs::copy(crate::common::resized_backbone(), &model).unwrap();
    refused(&["own.onnx", "not the backbone that the run began with"]);
    fs::copy(small_backbone(), &model).unwrap();

    let job = place.join("job.json");
    let text = fs::read_to_string(&job).unwrap();
    let mut edited: Value = serde_json::from_str(&text).unwrap();
    edited["recipe"]["probe"]["epochs"] = 5.into();
    fs::write(&job, edited.to_string()).unwrap();
    let ran = resume(&place);
    assert_refused(&ran, &["job.json", "recipe.probe.epochs is 5, was 4"]);
    fs::write(&job, text).unwrap();

    let ended = resume(&place);
    assert!(ended.code < 2, "{ended:?}");
    assert_eq!(files(&place)["splits.json"], before["splits.json"]);
}

#[test]
fn a_folder_of_other_things_is_not_touched() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("mine");
    fs::create_dir_all(place.join("deeper")).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    let refused = run(&mut train(data.path(), &place, &[]));
    assert_refused(&refused, &["no run (deeper and 1 more)", "-o", "--force"]);
    fs::write(place.join("model.onnx"), "mine").unwrap();
    let refused = run(&mut train(data.path(), &place, &["--force"]));
    assert_refused(&refused, &["model.onnx that no run has written"]);
    let names: Vec<String> = files(&place).into_keys().collect();
    assert_eq!(names, ["model.onnx", "notes.txt"]);

    fs::remove_file(place.join("model.onnx")).unwrap();
    let ran = run(&mut train(data.path(), &place, &["--force"]));
    assert!(ran.code < 2, "{ran:?}");
    assert_eq!(fs::read(place.join("notes.txt")).unwrap(), b"mine");
    assert!(place.join("deeper").exists() && place.join("report.json").exists());

    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(
        &run(&mut train(data.path(), &file, &["--force"])),
        &["is a file", "-o"],
    );
    // Refused before anything is fetched.
    let mut demo = command();
    demo.env("EDGEFIT_CACHE", out.path().join("cache"));
    let ran = run(demo.arg("demo").arg("-o").arg(&place));
    assert_refused(&ran, &["holds a finished run"]);
}

#[test]
fn a_run_that_a_guard_ends_says_so_in_its_folder() {
    onnxruntime();
    // So few that a class is under the five training samples that EF07 asks for.
    let data = some_photographs(&CLASSES, 6);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    let deny = ["--json", "--deny", "warnings"];
    let ran = run(&mut train(data.path(), &place, &deny));
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = ran.json("edgefit.train/1");
    let report = document(&place.join("report.json"));
    assert_eq!(report["status"], "stopped");
    assert_eq!(report["schema"], said["schema"]);
    assert_eq!(report["refused"], said["refused"]);
    assert_eq!(report["guards"], said["guards"]);
    assert_eq!(report["stages"], Value::Array(Vec::new()));
    assert!(!place.join("model.onnx").exists());
    assert_eq!(said["run"], place.to_str().unwrap());
    let page = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(page.contains("The run was ended by EF07"), "{page}");
    let runs = run(command().arg("runs").arg(out.path()));
    assert!(runs.stdout.contains("has no model: ended by"), "{runs:?}");
    let verify = run(command().arg("verify").arg(&place));
    assert_eq!(verify.code, 2, "{verify:?}");
    // It counts as unfinished.
    let again = run(&mut train(data.path(), &place, &[]));
    assert_refused(&again, &["holds an unfinished run", "--force"]);
}
