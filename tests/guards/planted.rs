//! Planted mistakes: all of them at full size, and one for each guard at a quarter of it.
//!
//! `docs/guards.md` lists what was planted; `EDGEFIT_WRITE_DOCS=1` writes it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use edgefit::guards::{Code, Status};

use super::plants::{Plant, Plants};
use super::{Finding, Training, findings, own_loop};
use crate::common::{backbone, onnxruntime, small_backbone};

/// The plants of the first tier: of each guard the one that takes the least time.
const FIRST: [&str; 19] = [
    "a learning rate of 1e-9",
    "a normalisation left in training mode",
    "a softmax at the end",
    "an early layer that is dead",
    "raw",
    "41 to 2 without weighting",
    "copies of training images in test",
    "labels that are partly wrong, overfitted",
    "a learning rate of 100",
    "a decay of 1000",
    "a bias of 0 on 41 to 8",
    "labels smoothed until nothing is left of them",
    "a learning rate of 1e4",
    "no augmentation",
    "a constant learning rate",
    "five epochs for labels that are partly wrong",
    "200 epochs without patience",
    "a backbone that was never trained",
    "a board that is too small",
];

/// On small images, as few epochs as the features of [`small_backbone`] need.
fn shortened(mut training: Training) -> Training {
    if !training.recipe.contains("epochs") {
        training.flags.extend(["--epochs", "15"]);
    }
    training
}

/// What is found of a plant, and what else is raised.
fn found(code: &str, training: &Training) -> (Option<Finding>, Vec<Finding>) {
    let folder = tempfile::tempdir().unwrap();
    let found = findings(training, folder.path());
    let (own, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.code == code);
    let raised = others.into_iter().filter(Finding::is_raised).collect();
    (own.into_iter().next(), raised)
}

#[test]
fn a_mistake_for_each_guard_is_found() {
    onnxruntime();
    let plants = Plants::of(small_backbone());
    let mut codes = BTreeSet::from(["EF03"]);
    let mut problems = Vec::new();
    for name in FIRST {
        let plant = plants.all.iter().find(|plant| plant.name == name).unwrap();
        codes.insert(plant.code);
        let (own, others) = found(plant.code, &shortened(plant.training.clone()));
        if own.is_none() {
            problems.push(format!("{} {name}: {others:#?}", plant.code));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let all = Code::ALL.map(|code| code.to_string());
    assert!(codes.into_iter().eq(all.iter().map(String::as_str)));
}

#[test]
fn gradients_that_are_not_fresh_are_found_in_a_loop_of_ones_own() {
    onnxruntime();
    for (mistake, finding) in own_loop::ef03() {
        let wanted = match mistake {
            None => Status::Pass,
            Some(_) => Status::Failed,
        };
        assert_eq!(finding.status, wanted, "{mistake:?}: {finding:?}");
    }
}

#[test]
#[ignore = "takes 20 min: 41 trainings at full size"]
fn all_planted_mistakes_are_found_and_little_else() {
    onnxruntime();
    let plants = Plants::of(backbone());
    let own_loop = own_loop::ef03().into_iter().filter_map(|(name, _)| name);
    let mut rows: Vec<_> = own_loop
        .map(|name| ("EF03", name, "failed".into()))
        .collect();
    let mut problems = Vec::new();
    for plant in &plants.all {
        let (own, others) = found(plant.code, &plant.training);
        match own {
            Some(own) if others.len() < 2 => rows.push((plant.code, plant.name, own.status)),
            own => {
                let Plant { code, name, .. } = plant;
                problems.push(format!("{code} {name}: {own:#?}, {others:#?}"));
            }
        }
    }
    rows.sort_by_key(|(code, ..)| *code);
    let mut table = String::from("| guard | what was planted | what it says |\n|---|---|---|\n");
    for (code, name, status) in rows {
        writeln!(table, "| {code} | {name} | {status} |").unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    in_document("planted", &table);
}

/// Holds that `table` is what `docs/guards.md` has between the marks of `name`, or writes it there.
pub fn in_document(name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guards.md");
    let document = fs::read_to_string(&path).unwrap();
    let [begin, end] = ["", "/"].map(|slash| format!("<!-- {slash}{name} -->"));
    let (before, after) = document.split_once(&format!("{begin}\n")).unwrap();
    let (old, after) = after.split_once(&end).unwrap();
    if std::env::var_os("EDGEFIT_WRITE_DOCS").is_some() {
        let new = format!("{before}{begin}\n{table}{end}{after}");
        fs::write(&path, new).unwrap();
    } else {
        assert_eq!(
            old, table,
            "docs/guards.md is not what was seen; EDGEFIT_WRITE_DOCS=1 writes it"
        );
    }
}
