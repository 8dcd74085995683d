//! Folders of runs that tests make pages of.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// A run whose report holds so many classes and wrong test samples; nothing else lies in the folder.
pub(crate) fn classes(folder: &Path, names: &[String], wrong: &[String]) -> Value {
    let count = names.len();
    let samples = wrong.len() + count;
    let mut confusion = vec![vec![0; count]; count];
    for (at, row) in confusion.iter_mut().enumerate() {
        row[at] = 1;
    }
    for at in 0..wrong.len() {
        confusion[at % count][(at + 1) % count] += 1;
    }
    let class = json!({"samples": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5});
    let metrics = json!({
        "samples": samples,
        "accuracy": 0.5, "accuracy_interval": [0.4, 0.6],
        "balanced_accuracy": 0.5, "macro_f1": 0.5,
        "bootstrap": {"accuracy": [0.4, 0.6], "balanced_accuracy": [0.4, 0.6], "macro_f1": [0.4, 0.6]},
        "top5_accuracy": null, "roc_auc": 0.7, "calibration_error": 0.1,
        "per_class": vec![class; count],
        "confusion": confusion,
    });
    let mistakes: Vec<Value> = wrong
        .iter()
        .enumerate()
        .map(|(at, sample)| {
            json!({
                "sample": sample, "probability": 0.9,
                "truth": names[at % count], "predicted": names[(at + 1) % count],
            })
        })
        .collect();
    let report = document("classes", names, &metrics, mistakes);
    write(folder, &report);
    let mut rows = String::from("sample,truth,predicted,correct");
    for at in 0..count {
        write!(rows, ",p({at})").unwrap();
    }
    rows.push('\n');
    for (at, sample) in wrong.iter().enumerate().take(100) {
        let quoted = sample.replace('"', "\"\"");
        write!(rows, "\"{quoted}\",a,b,false").unwrap();
        for class in 0..count {
            write!(rows, ",{}", if class == at % count { 0.9 } else { 0.0 }).unwrap();
        }
        rows.push('\n');
    }
    fs::write(folder.join("predictions.csv"), rows).unwrap();
    report
}

/// A run of regression with two targets.
pub(crate) fn regression(folder: &Path, samples: usize) {
    let target = json!({
        "mean_absolute_error": 1.5, "mean_absolute_error_interval": [1.0, 2.0],
        "root_mean_squared_error": 2.0, "r2": 0.8,
    });
    let metrics = json!({
        "samples": samples, "r2": 0.8, "r2_interval": [0.7, 0.9], "per_target": [target, target],
    });
    let names = ["depth <m>".to_owned(), "angle".to_owned()];
    write(
        folder,
        &document("regression", &names, &metrics, Vec::new()),
    );
    let mut rows = String::from("sample,truth(a),predicted(a),truth(b),predicted(b)\n");
    for row in 0..samples {
        writeln!(rows, "row {row},{row},{},1,1", row + 1).unwrap();
    }
    fs::write(folder.join("predictions.csv"), rows).unwrap();
}

/// A run of two labels.
pub(crate) fn labels(folder: &Path) {
    let label =
        json!({"samples": 2, "precision": 0.5, "recall": 0.5, "specificity": 0.5, "f1": 0.5});
    let metrics = json!({
        "samples": 2, "accuracy": 0.5, "accuracy_interval": [0.1, 0.9], "label_accuracy": 0.75,
        "balanced_accuracy": 0.5, "macro_f1": 0.5, "macro_f1_interval": [0.4, 0.6], "roc_auc": 0.7,
        "per_label": [label, label],
    });
    let names = ["red".to_owned(), "round".to_owned()];
    let wrong =
        json!({"sample": "row 1", "truth": "red", "predicted": "red; round", "probability": 0.8});
    write(
        folder,
        &document("multi-label", &names, &metrics, vec![wrong]),
    );
    let rows = "sample,truth,predicted,correct,p(red),p(round)\n\
                row 0,red; round,red; round,true,0.9,0.8\n\
                row 1,red,red; round,false,0.7,0.8\n";
    fs::write(folder.join("predictions.csv"), rows).unwrap();
}

/// Writes a report into a folder.
/// What is left of a run that a guard ended.
pub(crate) fn stopped(folder: &Path) {
    let of_a_run = document("classes", &["a".into(), "b".into()], &json!({}), Vec::new());
    let mut report = json!({"refused": "EF08", "status": "stopped"});
    for key in [
        "schema", "version", "started", "command", "data", "backbone", "stages", "guards",
    ] {
        report[key] = of_a_run[key].clone();
    }
    let found = json!({"code": "EF08", "status": "failed", "message": "worse than <b>raw</b>"});
    report["guards"].as_array_mut().unwrap().push(found);
    write(folder, &report);
}

pub(crate) fn write(folder: &Path, report: &Value) {
    fs::write(folder.join("report.json"), report.to_string()).unwrap();
}

fn document(task: &str, names: &[String], metrics: &Value, mistakes: Vec<Value>) -> Value {
    let epoch = |epoch: usize| {
        json!({
            "epoch": epoch, "train_loss": 1.0 / epoch as f64, "train_accuracy": null,
            "val_loss": 1.1 / epoch as f64, "val_accuracy": 0.5, "learning_rate": 1e-3,
        })
    };
    let counts = |split: &str| json!({"split": split, "total": 2 * names.len(), "groups": 0, "samples": vec![2; names.len()]});
    json!({
        "schema": "edgefit.train/1",
        "version": "0.1.0", "started": "2026-01-02T03:04:05Z", "command": ["edgefit", "train"],
        "task": task, "data": "/nowhere/at all", "backbone": "backbone.onnx",
        "classes": names,
        "counts": [counts("train"), counts("val"), counts("test")],
        "unreadable": [{"path": "broken.png", "problem": "is empty"}],
        "engine": "tract", "class_weights": [],
        "stages": [{
            "name": "probe", "learning_rate": 1e-3, "kept": true, "parameters": 10, "best_epoch": 2,
            "epochs": [epoch(1), epoch(2), epoch(3)], "ended": "patience", "val_accuracy": 0.5,
            "val_loss": 0.5, "duration_ns": 1_000_000_000u64,
        }],
        "val": metrics, "test": metrics, "mistakes": mistakes,
        "baselines": [{"name": "majority", "val": metrics, "test": metrics}],
        "guards": [
            {"code": "EF09", "status": "warning", "message": "it overfits"},
            {"code": "EF01", "status": "pass", "message": "fine"},
        ],
        "interrupted": false,
        "exported": {"path": "runs/a/model.onnx", "sha256": "00"},
        "int8": null,
        "parity": [{
            "a": "burn", "b": "tract", "max_abs": 1e-6, "cosine": 1.0, "top1_agree": 1.0, "within": true,
            "tolerance_used": 0.01,
        }],
        "check": {
            "verdict": "fits", "device": "raspberry-pi-4b", "engine": "tract", "fits_if": [],
            "budgets": [{
                "resource": "ram", "need_bytes": 1024, "have_bytes": 4096, "margin": 3072, "holds": true,
                "basis": "estimate", "place": "LPDDR4", "explanation": "weights",
            }],
            "latency": {"ns": 2_000_000, "low_ns": 1_000_000, "high_ns": 3_000_000, "basis": "estimate", "threads": 4},
            "note": null,
        },
        "timing": {
            "features_ns": 0, "tuning_ns": 0, "stages_ns": 1_000_000_000u64, "baselines_ns": 0, "int8_ns": 0,
            "test_ns": 0, "parity_ns": 0, "total_ns": 2_000_000_000u64,
        },
    })
}
