//! Training on arrays: classes, labels and numbers, on photographs that come as an `.npz` file.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::npz::{Values, save};
use crate::common::{
    Ran, SMALL, assert_refused, backbone, edgefit, onnxruntime, photographs, run, small_backbone,
};
use edgefit::data::{Dataset, decode, prepare};
use edgefit::graph::preprocessing::PreprocessingName;
use edgefit::graph::{Graph, Preprocessing, StandardScaler, Task, labels};
use tempfile::TempDir;

const SIDE: usize = SMALL;

/// The photographs as rows of numbers, and the class of each.
fn rows() -> &'static (Vec<Vec<f32>>, Vec<usize>) {
    static ROWS: OnceLock<(Vec<Vec<f32>>, Vec<usize>)> = OnceLock::new();
    ROWS.get_or_init(|| {
        let side = u32::try_from(SIDE).unwrap();
        let preprocessing = Preprocessing::named(PreprocessingName::Unit, side, side);
        let dataset = Dataset::open(photographs()).unwrap();
        let samples = dataset.samples.iter().map(|sample| {
            let bytes = std::fs::read(sample.place()).unwrap();
            let image = decode(&bytes).unwrap();
            (prepare(&image, &preprocessing).unwrap(), sample.class)
        });
        samples.unzip()
    })
}

/// A file of the photographs with the targets `y`, `width` of each.
fn arrays(y: Values, width: usize) -> (TempDir, PathBuf) {
    let (rows, _) = rows();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photographs.npz");
    let shape_of_y: &[usize] = match width {
        0 => &[rows.len()],
        _ => &[rows.len(), width],
    };
    save(
        &path,
        &[
            (
                "x",
                &[rows.len(), 3, SIDE, SIDE],
                Values::Floats(rows.concat()),
            ),
            ("y", shape_of_y, y),
        ],
    );
    (folder, path)
}

fn train(data: &Path, out: &Path, more: &[&str]) -> Ran {
    onnxruntime();
    let mut train = crate::common::train(data, plain());
    run(train.args(["--json", "-o"]).arg(out).args(more))
}

/// The backbone without what it says of images.
fn plain() -> &'static Path {
    static PLAIN: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PLAIN.get_or_init(|| {
        let mut graph = Graph::load(small_backbone()).unwrap();
        graph.metadata.clear();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backbone.onnx");
        graph.save(&path).unwrap();
        (folder, path)
    });
    path
}

fn number(report: &serde_json::Value, path: &str) -> f64 {
    report
        .pointer(path)
        .and_then(serde_json::Value::as_f64)
        .unwrap()
}

/// The exported file says how its inputs are scaled and what its outputs mean, and the engines agree.
fn assert_describes_itself(report: &serde_json::Value, task: Task, outputs: &[&str]) {
    let path = report["exported"]["path"].as_str().unwrap();
    let model = Graph::load(path).unwrap();
    assert_eq!(Task::of(&model).unwrap(), Some(task));
    assert_eq!(labels::of(&model).unwrap().unwrap(), outputs);
    let scaler = StandardScaler::of(&model).unwrap().unwrap();
    assert_eq!(scaler.dims, [3, SIDE, SIDE]);
    assert_eq!(Preprocessing::of(&model).unwrap(), None);
    let parity = report["parity"].as_array().unwrap();
    assert_eq!(parity.len(), 3);
    assert!(
        parity.iter().all(|pair| pair["within"] == true),
        "{parity:?}"
    );
    let ran = edgefit(&["verify", path, "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn classes_of_arrays() {
    let (_, classes) = rows();
    let y = classes.iter().map(|&class| class as i64).collect();
    let (_folder, data) = arrays(Values::Integers(y), 0);
    let out = tempfile::tempdir().unwrap();
    let ran = train(
        &data,
        out.path(),
        &["--stages", "probe,top", "--epochs", "6"],
    );
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["task"], "classes");
    let raw = &report["baselines"][1];
    assert_eq!(
        (&raw["name"], &raw["sees_input"]),
        (&"raw values".into(), &true.into())
    );
    assert!(
        number(&report, "/test/accuracy") > number(&report, "/baselines/0/test/accuracy") + 0.2
    );
    assert_describes_itself(&report, Task::Classes, &["0", "1", "2", "3", "4", "5"]);
    assert!(!out.path().join("augmentation.png").exists());
}

#[test]
fn several_labels_of_a_sample() {
    let (_, classes) = rows();
    // Bird, flower, fruit and vegetables, household, mammal, vehicle: is it alive, an animal, made by people?
    let properties = |class: usize| match class {
        0 | 4 => [1, 1, 0],
        1 | 2 => [1, 0, 0],
        _ => [0, 0, 1],
    };
    let y = classes
        .iter()
        .flat_map(|&class| properties(class))
        .collect();
    let (_folder, data) = arrays(Values::Integers(y), 3);
    let out = tempfile::tempdir().unwrap();
    let ran = train(&data, out.path(), &[]);
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["task"], "multi-label");
    let blind = number(&report, "/baselines/0/test/macro_f1");
    assert!(number(&report, "/test/macro_f1") > blind + 0.2, "{report}");
    assert!(number(&report, "/test/roc_auc") > 0.85, "{report}");
    assert_eq!(report["test"]["per_label"].as_array().unwrap().len(), 3);
    assert_describes_itself(&report, Task::MultiLabel, &["0", "1", "2"]);
    let model = Graph::load(report["exported"]["path"].as_str().unwrap()).unwrap();
    assert_eq!(model.nodes.last().unwrap().op, "Sigmoid");
}

#[test]
fn numbers_of_a_sample() {
    let (rows, _) = rows();
    // How bright and how red, on scales far apart from one another.
    let y = rows.iter().flat_map(|row| {
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let red = mean(&row[..SIDE * SIDE]) - mean(&row[SIDE * SIDE..]);
        [1000.0 * mean(row), 0.01 * red]
    });
    let (_folder, data) = arrays(Values::Floats(y.collect()), 2);
    let out = tempfile::tempdir().unwrap();
    let ran = train(&data, out.path(), &["--epochs", "60"]);
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["task"], "regression");
    assert_eq!(report["baselines"][0]["name"], "mean");
    assert!(number(&report, "/baselines/0/test/r2") <= 0.0, "{report}");
    assert!(number(&report, "/test/r2") > 0.5, "{report}");
    let error = |of: usize| {
        let path = format!("/test/per_target/{of}/mean_absolute_error");
        number(&report, &path)
    };
    assert!(error(0) > 1.0 && error(1) < 0.01, "{report}");
    assert_describes_itself(&report, Task::Regression, &["0", "1"]);
}

#[test]
fn groups_stay_in_one_part() {
    let (rows, classes) = rows();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photographs.npz");
    let groups: Vec<i64> = (0..rows.len()).map(|row| row as i64 / 3).collect();
    let y = classes.iter().map(|&class| class as i64 + 1).collect();
    save(
        &path,
        &[
            (
                "X",
                &[rows.len(), 3, SIDE, SIDE],
                Values::Floats(rows.concat()),
            ),
            ("y", &[rows.len(), 1], Values::Integers(y)),
            ("groups", &[rows.len()], Values::Integers(groups)),
            ("rate", &[1], Values::Integers(vec![50])),
        ],
    );
    let out = tempfile::tempdir().unwrap();
    let ran = train(&path, out.path(), &["--epochs", "6"]);
    let report = ran.json("edgefit.train/1");
    for words in [
        "does not read 'rate'",
        "in one column",
        "classes 1, 2, 3, 4, 5, 6",
    ] {
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    let groups = report["counts"].as_array().unwrap().iter();
    let groups = groups.map(|counts| counts["groups"].as_u64().unwrap());
    assert_eq!(groups.sum::<u64>(), rows.len().div_ceil(3) as u64);
}

#[test]
fn what_may_be_two_things_is_asked_for() {
    let (_, classes) = rows();
    let y: Vec<f32> = classes.iter().map(|&class| class as f32).collect();
    let (_folder, data) = arrays(Values::Floats(y), 0);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    let words = ["'y'", "y.astype(int)", "--task regression"];
    assert_refused(&train(&data, &place, &[]), &words);
    assert!(!place.exists());
    for task in ["classes", "regression"] {
        let place = out.path().join(task);
        let ran = train(&data, &place, &["--task", task, "--epochs", "6"]);
        assert_eq!(ran.json("edgefit.train/1")["task"], task);
    }
    let images = train(&photographs(), &place, &["--task", "regression"]);
    assert_refused(&images, &["--task regression is for arrays", "images"]);
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let (rows, classes) = rows();
    let mut y: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");

    let (_folder, data) = arrays(Values::Integers(y.clone()), 0);
    let asked = train(&data, &place, &["--preprocessing", "lite"]);
    assert_refused(&asked, &["--preprocessing", "arrays"]);
    let mut other = crate::common::train(&data, backbone());
    let other = run(other.arg("-o").arg(&place));
    assert_refused(
        &other,
        &["(3, 224, 224)", "(3, 64, 64)", "--input-shape 1x3x64x64"],
    );

    // A class of one sample cannot be in every part.
    y[0] = 6;
    let (_folder, data) = arrays(Values::Integers(y), 0);
    assert_refused(&train(&data, &place, &[]), &["class '6' has 1", "too few"]);

    let mut numbers = vec![0.5; rows.len()];
    numbers[7] = f32::NAN;
    let (_folder, data) = arrays(Values::Floats(numbers), 0);
    assert_refused(&train(&data, &place, &[]), &["'y'", "NaN", "sample 7"]);

    let text = out.path().join("table.csv");
    std::fs::write(&text, "1,2").unwrap();
    assert_refused(&train(&text, &place, &[]), &["table.csv", "np.savez"]);
    assert!(!place.exists());
}
