//! Training on somebody's own folder.

use std::fs;

use crate::common::{
    assert_fields, assert_refused, backbone, command, onnxruntime, resized_backbone, run,
    small_backbone, some_photographs,
};
use edgefit::engine::EngineName;
use edgefit::graph::{Dim, Graph, Preprocessing, ValueType, labels};
use edgefit::train::{Error, Job, Observer, StageName};

const CLASSES: [&str; 2] = ["bird", "fruit_veg"];

fn train(data: &std::path::Path, out: &std::path::Path, more: &[&str]) -> crate::common::Ran {
    let mut train = crate::common::train(data, small_backbone());
    run(train.args(["--json", "-o"]).arg(out).args(more))
}

#[test]
fn the_exported_model_describes_itself_and_runs_repeat() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let first = train(data.path(), &out.path().join("a"), &[]);
    assert_eq!(first.code, 0, "{first:?}");
    let report = first.json("edgefit.train/1");
    assert_eq!(report["counts"][0]["samples"], serde_json::json!([8, 8]));
    assert_eq!(report["test"]["samples"], 4);
    let memory = &report["memory"][0];
    assert_eq!(memory["stage"], "probe");
    assert_eq!(memory["batch"], 32);
    assert_fields(
        memory,
        &["predicted_bytes", "available_bytes", "largest_batch"],
    );

    let model = Graph::load(out.path().join("a/model.onnx")).unwrap();
    let original = Graph::load(small_backbone()).unwrap();
    assert_eq!(labels::of(&model).unwrap().unwrap(), CLASSES);
    assert_eq!(
        Preprocessing::of(&model).unwrap(),
        Preprocessing::of(&original).unwrap()
    );
    assert_eq!(model.nodes, original.nodes);

    // The same seed gives the same model, and the features come from the cache; those of test are not needed.
    let second = train(data.path(), &out.path().join("b"), &[]).json("edgefit.train/1");
    assert_eq!(second["cached_features"], 20);
    assert_eq!(second["exported"]["sha256"], report["exported"]["sha256"]);
    assert_eq!(second["test"], report["test"]);

    // The folder of the run stands for its model.
    let inspect = |path: &str| run(command().arg("inspect").arg(out.path().join(path)));
    assert_eq!(inspect("a").stdout, inspect("a/model.onnx").stdout);
    assert_eq!(inspect("a").code, 0);
}

#[test]
fn burn_trains_with_the_backend_that_is_asked_for() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 5);
    let out = tempfile::tempdir().unwrap();
    let run_with = |backend: &str, name: &str| {
        let flags = [
            "--stages",
            "probe,full",
            "--epochs",
            "1",
            "--backend",
            backend,
        ];
        train(data.path(), &out.path().join(name), &flags)
    };
    let [flex, ndarray] = ["flex", "ndarray"].map(|backend| {
        let ran = run_with(backend, backend);
        assert_eq!(ran.code, 0, "{ran:?}");
        let is_other = backend != "flex";
        assert_eq!(ran.stderr.contains("predicted for backend flex"), is_other);
        let report = ran.json("edgefit.train/1");
        let stages = report["stages"].as_array().unwrap();
        stages[1]["epochs"][0]["train_loss"].as_f64().unwrap()
    });
    assert!((flex - ndarray).abs() < 1e-3 * flex, "{flex} {ndarray}");
    // Builds for a GPU are others.
    assert_refused(&run_with("cuda", "gpu"), &["cuda", "--features cuda"]);
    let unknown = run_with("tch", "unknown");
    assert_refused(&unknown, &["'tch'", "flex, ndarray, wgpu and cuda"]);
}

#[test]
fn the_users_own_split_is_kept() {
    let data = some_photographs(&CLASSES, 12);
    for class in CLASSES {
        let files: Vec<_> = fs::read_dir(data.path().join(class))
            .unwrap()
            .flatten()
            .collect();
        for (index, file) in files.iter().enumerate() {
            let part = ["train", "train", "val", "test"][index % 4];
            let folder = data.path().join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            fs::rename(file.path(), folder.join(file.file_name())).unwrap();
        }
        fs::remove_dir(data.path().join(class)).unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    let report = train(data.path(), out.path(), &[]).json("edgefit.train/1");
    for (part, count) in [(0, 6), (1, 3), (2, 3)] {
        assert_eq!(
            report["counts"][part]["samples"],
            serde_json::json!([count, count])
        );
    }
}

#[test]
fn a_class_that_no_test_image_shows_is_named_and_folders_called_as_parts_are_said() {
    let data = some_photographs(&CLASSES, 12);
    for (index, class) in CLASSES.iter().enumerate() {
        let files = fs::read_dir(data.path().join(class)).unwrap().flatten();
        for (nth, file) in files.enumerate() {
            let part = if index == 0 && nth < 4 {
                "Testing"
            } else {
                "Training"
            };
            let folder = data.path().join(part).join(class);
            fs::create_dir_all(&folder).unwrap();
            fs::rename(file.path(), folder.join(file.file_name())).unwrap();
        }
        fs::remove_dir(data.path().join(class)).unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    let ran = train(data.path(), &out.path().join("run"), &[]);
    for words in [
        "'Testing' as test, 'Training' as train",
        "there is no val folder",
        "no test images of 'fruit_veg'",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["classes"], serde_json::json!(CLASSES));
    assert_eq!(report["counts"][2]["samples"], serde_json::json!([4, 0]));
}

#[test]
fn copies_stay_in_one_split_and_a_picture_in_two_classes_is_left_out() {
    let data = some_photographs(&CLASSES, 12);
    let mut birds: Vec<_> = fs::read_dir(data.path().join("bird"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    birds.sort();
    for (nth, bird) in birds.iter().enumerate().take(10) {
        fs::copy(bird, data.path().join(format!("bird/copy{nth}.png"))).unwrap();
    }
    fs::copy(&birds[11], data.path().join("fruit_veg/wrong.png")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let ran = train(data.path(), &out.path().join("run"), &[]);
    assert!(
        ran.stderr.contains("10 of the images are copies"),
        "{ran:?}"
    );
    let report = ran.json("edgefit.train/1");
    let left_out = report["unreadable"].as_array().unwrap();
    assert_eq!(left_out.len(), 2, "{ran:?}");
    assert_eq!(left_out[1]["path"], "fruit_veg/wrong.png");

    let splits = fs::read_to_string(out.path().join("run/splits.json")).unwrap();
    let splits: serde_json::Value = serde_json::from_str(&splits).unwrap();
    let split_of = |name: &str| {
        let holds = |split: &&&str| {
            let names = splits[**split].as_array().unwrap();
            names.iter().any(|held| held == name)
        };
        *["train", "val", "test"].iter().find(holds).unwrap()
    };
    for (nth, bird) in birds.iter().enumerate().take(10) {
        let name = bird.file_name().unwrap().to_str().unwrap();
        let copy = format!("bird/copy{nth}.png");
        assert_eq!(split_of(&format!("bird/{name}")), split_of(&copy));
    }
}

#[test]
fn a_broken_image_is_named_and_left_out_unless_strict() {
    let data = some_photographs(&CLASSES, 12);
    fs::write(
        data.path().join("bird/broken.png"),
        b"\x89PNG\r\n\x1a\nbroken",
    )
    .unwrap();
    fs::write(data.path().join("bird/notes.txt"), "not an image").unwrap();
    let out = tempfile::tempdir().unwrap();
    let lenient = train(data.path(), &out.path().join("lenient"), &[]);
    assert_eq!(lenient.code, 0, "{lenient:?}");
    assert!(lenient.stderr.contains("bird/broken.png"), "{lenient:?}");
    assert!(
        lenient.stderr.contains("ignored: 1 file, not an image"),
        "{lenient:?}"
    );
    let report = lenient.json("edgefit.train/1");
    assert_eq!(report["unreadable"][0]["path"], "bird/broken.png");

    let strict = out.path().join("strict");
    assert_refused(
        &train(data.path(), &strict, &["--strict"]),
        &["bird/broken.png", "remove or replace"],
    );
    assert!(!strict.exists());
}

#[test]
fn a_model_that_cannot_fit_is_refused_before_training() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let mut train = command();
    train
        .arg("train")
        .arg(data.path())
        .arg("--backbone")
        .arg(backbone());
    train.args(["--device", "stm32h743", "-o"]).arg(&run_folder);
    let ran = run(&mut train);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("not trained (EF20)"), "{ran:?}");
    assert!(ran.stdout.contains("AXI SRAM"), "{ran:?}");
    assert!(!run_folder.exists());
}

#[test]
fn a_stage_that_does_not_fit_the_memory_is_refused_with_the_batch_that_does() {
    let data = some_photographs(&CLASSES, 12);
    let out = tempfile::tempdir().unwrap();
    let device = edgefit::device::find("raspberry-pi-4b").unwrap();
    let mut job = Job::new(
        data.path(),
        resized_backbone(),
        device,
        &out.path().join("run"),
    );
    job.engine = Some(EngineName::Tract);
    job.stages = vec![StageName::Full];
    let refused = |job: &Job| match edgefit::train::train(job, &mut Nobody).unwrap_err() {
        error @ Error::Memory {
            largest, predicted, ..
        } => (largest, predicted, error.to_string()),
        error => panic!("not refused for its memory: {error}"),
    };
    job.memory = Some(1 << 20);
    let (largest, predicted, words) = refused(&job);
    assert_eq!(largest, 0);
    assert!(words.contains("smaller backbone"), "{words}");

    job.memory = Some(predicted * 9 / 10);
    let (largest, ..) = refused(&job);
    assert!(0 < largest && largest < job.recipe.full.batch, "{largest}");
    assert!(!job.run.exists());
}

#[test]
fn a_step_that_does_not_fit_is_computed_in_parts_twice_and_gives_the_same_model() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 8);
    let out = tempfile::tempdir().unwrap();
    let full = |name: &str, memory: &str| {
        let stages = ["--stages", "full", "--epochs", "1", "--batch", "64"];
        let ran = train(
            data.path(),
            &out.path().join(name),
            &[&stages[..], &["--memory", memory]].concat(),
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        let twice = ran
            .stderr
            .contains("computed a second time in the backward pass");
        (ran.json("edgefit.train/1"), twice)
    };
    let (usual, twice) = full("usual", "4GiB");
    let memory = &usual["memory"][0];
    assert!(memory["recomputed"] == 0.0 && !twice, "{memory}");
    let less = memory["predicted_bytes"].as_u64().unwrap() * 9 / 10;
    let (report, twice) = full("less", &format!("{less}B"));
    let memory = &report["memory"][0];
    assert!(
        memory["predicted_bytes"].as_u64().unwrap() <= less && twice,
        "{memory}"
    );
    let share = memory["recomputed"].as_f64().unwrap();
    assert!(share > 0.0 && share < 1.0, "{share}");
    assert_eq!(report["exported"]["sha256"], usual["exported"]["sha256"]);
}

struct Nobody;

impl Observer for Nobody {
    fn begin(&mut self, _: &str, _: u64) {}
    fn progress(&mut self, _: u64, _: &str) {}
    fn end(&mut self) {}
    fn warn(&mut self, _: &str) {}
}

#[test]
fn a_backbone_that_was_exported_for_one_sample_trains_too() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("fixed.onnx");
    let mut graph = Graph::load(small_backbone()).unwrap();
    for value in graph.inputs.iter_mut().chain(&mut graph.outputs) {
        let ValueType::Tensor {
            dims: Some(dims), ..
        } = &mut value.ty
        else {
            panic!("{value:?}");
        };
        dims[0] = Dim::Known(1);
    }
    graph.save(&model).unwrap();
    let data = some_photographs(&CLASSES, 12);
    let mut train = crate::common::train(data.path(), &model);
    let ran = run(train.args(["--json", "-o"]).arg(folder.path().join("run")));
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["parity"].as_array().unwrap().len(), 3);
    assert_eq!(report["test"]["samples"], 4);
}
