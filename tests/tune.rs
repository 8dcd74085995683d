//! Choices found by trying them: `--tune` and the learning-rate range test.

use std::fs;
use std::path::Path;
use std::process::Command;

use edgefit::engine::onnxruntime::{LIBRARY_VARIABLE, found};
use serde_json::Value;

use crate::common::process::{interrupt, kill, reaches, start};
use crate::common::{
    assert_fields, assert_refused, command, onnxruntime, photographs, resized_backbone, run,
    small_backbone, some_photographs,
};

const CLASSES: [&str; 3] = ["bird", "flower", "vehicle"];

fn train(data: &Path, out: &Path, threads: &str, more: &[&str]) -> Command {
    train_on(small_backbone(), data, out, threads, more)
}

fn train_on(model: &Path, data: &Path, out: &Path, threads: &str, more: &[&str]) -> Command {
    let mut train = crate::common::train(data, model);
    train.args(["--json", "--threads", threads]);
    train.env("RAYON_NUM_THREADS", threads);
    train.args(more).arg("-o").arg(out);
    train
}

fn report(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("report.json")).unwrap()).unwrap()
}

fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.onnx")).unwrap()
}

/// What the guard of learning rates says in a report, with its status.
fn ef10(report: &Value) -> (&str, &str) {
    let mut guards = report["guards"].as_array().unwrap().iter();
    let found = guards.find(|guard| guard["code"] == "EF10").unwrap();
    let text = |field: &str| found[field].as_str().unwrap();
    (text("status"), text("message"))
}

#[test]
fn the_winner_of_all_rungs_is_trained_and_its_recipe_gives_the_same_model() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 16);
    let out = tempfile::tempdir().unwrap();
    let tuned = out.path().join("tuned");
    // A rate that is too low for so few epochs, so that others are clearly better.
    let slow = out.path().join("slow.toml");
    fs::write(&slow, "[probe]\nlearning_rate = 3e-4\nepochs = 18\n").unwrap();
    let flags = ["--tune", "8", "--recipe", slow.to_str().unwrap()];
    let ran = run(&mut train_on(
        resized_backbone(),
        data.path(),
        &tuned,
        "2",
        &flags,
    ));
    assert!(ran.code < 2, "{ran:?}");
    let report = ran.json("edgefit.train/1");
    assert_fields(
        &report,
        &[
            "tuning.chosen",
            "tuning.candidates.0.learning_rate",
            "tuning.candidates.0.weight_decay",
            "tuning.candidates.0.label_smoothing",
            "tuning.candidates.0.augmentation",
            "tuning.candidates.0.rungs.0.val_accuracy",
            "timing.tuning_ns",
        ],
    );

    // Nine candidates, three of them twice as often, the recipe's among these.
    let candidates = report["tuning"]["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 9);
    let epochs = |made: &Value| -> Vec<u64> {
        let rungs = made["rungs"].as_array().unwrap().iter();
        rungs.map(|rung| rung["epochs"].as_u64().unwrap()).collect()
    };
    assert_eq!(candidates[0]["learning_rate"], 3e-4);
    assert_eq!(epochs(&candidates[0]), [6, 18]);
    let far: Vec<&Value> = candidates
        .iter()
        .filter(|made| epochs(made).len() == 2)
        .collect();
    assert_eq!(far.len(), 3);
    let loss = |made: &Value, rung: usize| made["rungs"][rung]["val_loss"].as_f64().unwrap();
    let chosen = report["tuning"]["chosen"].as_u64().unwrap() as usize;
    assert_ne!(chosen, 0);
    let chosen = &candidates[chosen];
    assert!(far.iter().all(|made| loss(chosen, 1) <= loss(made, 1)));
    // Of those that fell out, none was better than those that went on by themselves.
    let worst = far.iter().filter(|made| **made != &candidates[0]);
    let worst = worst.map(|made| loss(made, 0)).fold(0.0, f64::max);
    let out_of_it = candidates.iter().filter(|made| epochs(made).len() == 1);
    assert!(out_of_it.into_iter().all(|made| loss(made, 0) >= worst));

    // The learning rates around 3e-4 are all too low for so few epochs, so the highest of them is best.
    let (status, message) = ef10(&report);
    assert_eq!(status, "warning", "{message}");
    assert!(message.contains("edge of what was searched"), "{message}");
    assert!(message.contains("a higher learning_rate"), "{message}");

    // The stage that follows is the winner's last rung.
    let stage = &report["stages"][0];
    assert_eq!(stage["learning_rate"], chosen["learning_rate"]);
    assert_eq!(stage["val_loss"], chosen["rungs"][1]["val_loss"]);
    for field in [
        "learning_rate",
        "weight_decay",
        "label_smoothing",
        "augmentation",
    ] {
        assert_eq!(report["recipe"]["probe"][field], chosen[field]);
    }
    assert_eq!(report["recipe"]["top"]["learning_rate"], 1e-3);

    let again = out.path().join("again");
    let recipe = tuned.join("recipe.toml");
    let flags = ["--recipe", recipe.to_str().unwrap()];
    let ran = run(&mut train_on(
        resized_backbone(),
        data.path(),
        &again,
        "1",
        &flags,
    ));
    assert!(ran.code < 2, "{ran:?}");
    assert_eq!(ran.json("edgefit.train/1")["tuning"], Value::Null);
    assert_eq!(model(&tuned), model(&again));
}

/// How many feature files lie in a cache folder.
fn feature_files(cache: &Path) -> usize {
    let files = fs::read_dir(cache.join("features")).into_iter().flatten();
    files.count()
}

#[test]
fn a_search_that_is_killed_or_ended_gives_what_it_would_have_given() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 16);
    let out = tempfile::tempdir().unwrap();
    let flags = ["--tune", "1000", "--epochs", "150", "--stages", "probe,top"];
    let whole = out.path().join("whole");
    assert!(run(&mut train(data.path(), &whole, "1", &flags)).code < 2);

    // The run has a cache of its own: the search begins when the features of augmented samples come
    // there, beside those of the samples as they are.
    let (killed, cache) = (out.path().join("killed"), out.path().join("cache"));
    let library = found().unwrap().path.clone();
    let resume = || {
        let mut resume = command();
        resume.args(["train", "--resume"]).arg(&killed);
        resume.env("RAYON_NUM_THREADS", "2");
        resume
    };
    let with_cache = |mut command: Command| {
        command.env("EDGEFIT_CACHE", &cache);
        command.env(LIBRARY_VARIABLE, &library);
        command
    };
    let checkpoint = killed.join("checkpoint.safetensors");
    let in_the_search = |command: Command| {
        let _ = fs::remove_dir_all(&cache);
        let mut child = start(with_cache(command));
        let begins = reaches(&mut child, || feature_files(&cache) > 1);
        assert!(begins, "it ended by itself");
        child
    };
    kill(in_the_search(train(data.path(), &killed, "2", &flags)));
    assert!(!checkpoint.exists(), "the search was over");
    interrupt(in_the_search(resume()));
    let early = report(&killed);
    assert_eq!(early["interrupted"], true);
    assert_eq!(early["stages"].as_array().unwrap().len(), 0);
    let guards = early["guards"].as_array().unwrap();
    let records = guards.iter().find(|guard| guard["code"] == "EF13");
    assert_eq!(records.unwrap()["status"], "off");
    assert!(!checkpoint.exists(), "the search was over");
    // Behind the search, whose result is in the checkpoint then.
    let mut child = start(with_cache(resume()));
    assert!(
        reaches(&mut child, || checkpoint.exists()),
        "it ended by itself"
    );
    kill(child);
    let end = run(&mut with_cache(resume()));
    assert!(end.code < 2, "{end:?}");

    let (whole_report, killed_report) = (report(&whole), report(&killed));
    assert!(whole_report["tuning"].is_object());
    assert_eq!(whole_report["tuning"], killed_report["tuning"]);
    assert_eq!(model(&whole), model(&killed));
    let told = fs::read_to_string(killed.join("events.jsonl")).unwrap();
    let told = told.lines().filter(|line| line.contains("\"tuning\""));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_choice_between_others_is_not_raised() {
    onnxruntime();
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    let ran = run(&mut train(&photographs(), &place, "2", &["--tune", "16"]));
    let report = ran.json("edgefit.train/1");
    let (status, message) = ef10(&report);
    assert_eq!(status, "pass", "{message}");
}

#[test]
fn the_range_test_draws_its_curve_and_leaves_nothing() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 16);
    let place = tempfile::tempdir().unwrap();
    let find = |more: &[&str]| {
        let mut find = command();
        find.arg("lr-find").arg(data.path());
        find.arg("--backbone").arg(small_backbone()).args(more);
        run(find.current_dir(place.path()))
    };
    let ran = find(&["--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = ran.json("edgefit.lr_find/1");
    let figure = |field: &str| found[field].as_f64().unwrap();
    let curve = found["curve"].as_array().unwrap();
    assert!(curve.len() > 60, "{}", curve.len());
    let rate = |point: &Value| point["learning_rate"].as_f64().unwrap();
    assert!(curve.windows(2).all(|pair| rate(&pair[0]) < rate(&pair[1])));
    let smoothed = |point: &Value| point["smoothed"].as_f64().unwrap();
    let lowest = curve.iter().map(smoothed).fold(f64::INFINITY, f64::min);
    let minimum = curve
        .iter()
        .find(|point| smoothed(point) == lowest)
        .unwrap();
    assert_eq!(figure("minimum"), rate(minimum));
    assert!(figure("suggestion") < figure("minimum"));
    assert_eq!(figure("recipe_learning_rate"), 3e-3);
    // AdamW on the features of three classes: neither hardly moving nor out of hand.
    assert!((1e-4..1e-1).contains(&figure("suggestion")), "{ran:?}");
    assert!(smoothed(&curve[0]) > 2.0 * lowest);
    assert_eq!(find(&["--json"]).stdout, ran.stdout);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

    let people = find(&["--stage", "top", "--batch", "8"]);
    assert_eq!(people.code, 0, "{people:?}");
    for words in [
        "stage top",
        "suggested",
        "lowest",
        "the recipe's learning rate",
    ] {
        assert!(people.stdout.contains(words), "{people:?}");
    }
}

#[test]
fn searches_that_cannot_be_made_are_refused_with_the_mend() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    let tried = |more: &[&str]| run(&mut train(data.path(), &place, "1", more));
    assert_refused(
        &tried(&["--tune", "3", "--stages", "top"]),
        &["--tune", "stage probe", "add probe"],
    );
    for (flags, words) in [
        (&["--tune", "0"][..], &["--tune", "1..=1000"][..]),
        (&["--tune", "1001"], &["--tune", "1..=1000"]),
        (&["--tune", "many"], &["--tune", "invalid digit"]),
        (&["--tune", "3", "--lr", "0.1"], &["--tune", "--lr"]),
        (&["--tune", "3", "--resume", "runs/a"], &["--resume"]),
    ] {
        let ran = tried(flags);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        for word in words {
            assert!(ran.stderr.contains(word), "{ran:?}");
        }
    }
    let mut find = command();
    find.arg("lr-find").arg(data.path());
    find.arg("--backbone").arg(small_backbone());
    let ran = run(find.args(["--stage", "head"]));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("probe, top, full"), "{ran:?}");
    let mut find = command();
    find.arg("lr-find").arg("absent");
    find.arg("--backbone").arg(small_backbone());
    assert_refused(&run(&mut find), &["absent"]);
    assert!(!place.exists());
}
