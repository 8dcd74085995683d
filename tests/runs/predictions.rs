//! What a run says of each test sample, and where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CLASSES, document, train};
use crate::common::npz::{Values, save};
use crate::common::{SMALL, onnxruntime, run, small_backbone, some_photographs};

/// The lines of a file of comma-separated values, by their heads.
fn lines(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let lines = reader.deserialize();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_run_says_where_it_comes_from_and_what_it_says_of_each_test_image() {
    onnxruntime();
    let data = some_photographs(&CLASSES, 20);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("run");
    // Too short to be right about all of them.
    let ran = run(&mut train(data.path(), &place, &["--epochs", "1"]));
    assert!(ran.code < 2, "{ran:?}");
    let report = document(&place.join("report.json"));
    let job = document(&place.join("job.json"));
    for from in [&report, &job] {
        assert_eq!(from["version"], env!("CARGO_PKG_VERSION"));
        let started = from["started"].as_str().unwrap();
        assert!(started.len() == 20 && started.ends_with('Z'), "{started}");
        let command = from["command"].as_array().unwrap();
        assert_eq!(command[1], "train");
        assert!(command.contains(&"--epochs".into()));
    }
    assert_eq!(report["interrupted"], false);

    let predictions = lines(&place.join("predictions.csv"));
    let splits = document(&place.join("splits.json"));
    let samples: Vec<&str> = predictions.iter().map(|line| &*line["sample"]).collect();
    assert_eq!(splits["test"], serde_json::json!(samples));
    let wrong: Vec<_> = predictions
        .iter()
        .filter(|line| line["correct"] == "false")
        .collect();
    assert!(!wrong.is_empty(), "a test that shows no mistake");
    let accuracy = 1.0 - wrong.len() as f64 / predictions.len() as f64;
    assert!((report["test"]["accuracy"].as_f64().unwrap() - accuracy).abs() < 1e-12);
    for line in &predictions {
        let (truth, _) = line["sample"].split_once('/').unwrap();
        assert_eq!(line["truth"], truth);
        let of = |class: &str| line[&format!("p({class})")].parse::<f64>().unwrap();
        let all = CLASSES.map(of);
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line:?}");
        let most = all.into_iter().fold(0.0, f64::max);
        assert_eq!(of(&line["predicted"]), most, "{line:?}");
    }

    let mistakes = report["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), wrong.len());
    assert!(
        mistakes
            .windows(2)
            .all(|pair| pair[0]["probability"].as_f64() >= pair[1]["probability"].as_f64())
    );
    let sample = mistakes[0]["sample"].as_str().unwrap();
    for words in [sample, "said to be", "predictions.csv"] {
        assert!(ran.stdout.contains(words), "«{words}»: {}", ran.stdout);
    }

    let confusion = lines(&place.join("confusion.csv"));
    for (truth, line) in confusion.iter().enumerate() {
        assert_eq!(line["truth \\ predicted"], CLASSES[truth]);
        for (said, class) in CLASSES.iter().enumerate() {
            let count: u64 = line[*class].parse().unwrap();
            assert_eq!(report["test"]["confusion"][truth][said], count);
        }
    }
}

#[test]
fn numbers_stand_beside_what_was_predicted() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("brightness.npz");
    let value = |sample: usize| sample as f32 / 40.0;
    let pixels = (0..40).flat_map(|sample| vec![value(sample); 3 * SMALL * SMALL]);
    let targets: Vec<f32> = (0..40).map(|sample| 10.0 * value(sample)).collect();
    let x = Values::Floats(pixels.collect());
    save(
        &data,
        &[
            ("x", &[40, 3, SMALL, SMALL], x),
            ("y", &[40], Values::Floats(targets.clone())),
        ],
    );
    let mut graph = edgefit::graph::Graph::load(small_backbone()).unwrap();
    graph.metadata.clear();
    let model = folder.path().join("plain.onnx");
    graph.save(&model).unwrap();
    let place = folder.path().join("run");
    let mut train = crate::common::train(&data, &model);
    let ran = run(train.args(["--epochs", "3", "-o"]).arg(&place));
    assert!(ran.code < 2, "{ran:?}");
    let predictions = lines(&place.join("predictions.csv"));
    assert_eq!(
        document(&place.join("report.json"))["test"]["samples"],
        predictions.len()
    );
    for line in &predictions {
        let row: usize = line["sample"]
            .strip_prefix("row ")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(line["truth(0)"].parse::<f32>().unwrap(), targets[row]);
        assert!(line["predicted(0)"].parse::<f32>().unwrap().is_finite());
    }
    assert!(!place.join("confusion.csv").exists());
}
