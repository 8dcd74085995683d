//! Every guard against the mistake that it is there for, and against runs in which there is none.

mod clean;
mod clean_data;
mod data;
mod models;
mod own_loop;
mod planted;
mod plants;
mod sensors;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::process::{kill, reaches, start};
use crate::common::{command, run};

/// A run of `edgefit train`.
#[derive(Clone)]
struct Training {
    data: PathBuf,
    backbone: PathBuf,
    recipe: String,
    flags: Vec<&'static str>,
    /// Every write to `events.jsonl` fails.
    unwritable_events: bool,
}

/// What a guard said.
#[derive(Debug)]
struct Finding {
    code: String,
    status: String,
    #[allow(dead_code, reason = "a failing test prints it")]
    message: String,
}

impl Finding {
    /// Whether the user has to do something: `fixed` is done.
    fn is_raised(&self) -> bool {
        self.status != "fixed"
    }
}

/// What the guards found in a run, in `folder`.
fn findings(training: &Training, folder: &Path) -> Vec<Finding> {
    let recipe = folder.join("recipe.toml");
    fs::write(&recipe, &training.recipe).unwrap();
    let mut train = command();
    train.arg("train").arg(&training.data);
    train.arg("--backbone").arg(&training.backbone);
    if !training.flags.contains(&"--device") {
        train.args(["--device", "raspberry-pi-4b"]);
    }
    train.args(["--json", "--recipe"]).arg(&recipe);
    let place = folder.join("run");
    train.args(&training.flags).arg("-o").arg(&place);
    if training.unwritable_events {
        // Only a run that is gone on with finds something in its folder.
        let mut child = start(train);
        assert!(reaches(&mut child, || place.join("job.json").exists()));
        kill(child);
        let events = place.join("events.jsonl");
        let _ = fs::remove_file(&events);
        std::os::unix::fs::symlink(folder.join("absent/events.jsonl"), events).unwrap();
        train = command();
        train.args(["train", "--json", "--resume"]).arg(&place);
    }
    let ran = run(&mut train);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    if document["refused"] == "EF20" {
        return vec![Finding {
            code: "EF20".into(),
            status: "failed".into(),
            message: "refused".into(),
        }];
    }
    let guards = document["guards"].as_array().unwrap();
    assert_eq!(guards.len(), 20);
    let text = |guard: &Value, field: &str| guard[field].as_str().unwrap().to_owned();
    let all = guards.iter().map(|guard| Finding {
        code: text(guard, "code"),
        status: text(guard, "status"),
        message: text(guard, "message"),
    });
    all.filter(|finding| ["fixed", "warning", "failed"].contains(&finding.status.as_str()))
        .collect()
}
