//! Every guard against the mistake that it is there for, planted on real data, and against runs in
//! which there is none.
//!
//! `docs/guards.md` is the table of what was raised. The test writes it with `EDGEFIT_WRITE_DOCS=1`,
//! and holds it against what it sees otherwise.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

#[path = "../common/mod.rs"]
mod common;

mod clean;
mod own_loop;
mod planted;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use common::{command, run};
use edgefit::guards::Status;
use serde_json::Value;

/// A mistake, and the guard that has to find it.
struct Planted {
    code: &'static str,
    variant: &'static str,
    data: PathBuf,
    backbone: PathBuf,
    recipe: &'static str,
    flags: &'static [&'static str],
}

/// What a run raised: `fixed` counts for the guard that is looked for, since a mistake that is mended
/// is found, but not beside it.
fn guards(planted: &Planted, folder: &Path) -> Vec<(String, String, String)> {
    let recipe = folder.join("recipe.toml");
    fs::write(&recipe, planted.recipe).unwrap();
    let mut train = command();
    train
        .arg("train")
        .arg(&planted.data)
        .arg("--backbone")
        .arg(&planted.backbone);
    if !planted.flags.contains(&"--device") {
        train.args(["--device", "raspberry-pi-4b"]);
    }
    train.args(["--json", "--recipe"]).arg(&recipe);
    match planted.flags {
        ["events to /dev/full"] => {
            fs::create_dir(folder.join("run")).unwrap();
            let events = folder.join("run/events.jsonl");
            std::os::unix::fs::symlink("/dev/full", events).unwrap();
        }
        flags => {
            train.args(flags);
        }
    }
    let ran = run(train.arg("-o").arg(folder.join("run")));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    if document["refused"] == "EF20" {
        return vec![("EF20".into(), "failed".into(), "refused".into())];
    }
    let guards = document["guards"].as_array().unwrap();
    assert_eq!(guards.len(), 20);
    let text = |guard: &Value, field: &str| guard[field].as_str().unwrap().to_owned();
    guards
        .iter()
        .map(|guard| {
            (
                text(guard, "code"),
                text(guard, "status"),
                text(guard, "message"),
            )
        })
        .filter(|(_, status, _)| ["fixed", "warning", "failed"].contains(&status.as_str()))
        .collect()
}

fn raised(status: &str) -> bool {
    status != "fixed"
}

#[test]
fn planted_mistakes_are_found_and_little_else() {
    common::onnxruntime();
    let (planted, _folders) = planted::planted();
    let mut table = String::from("| guard | what was planted | what was raised |\n|---|---|---|\n");
    let mut problems = Vec::new();
    for (variant, finding) in own_loop::ef03() {
        match variant {
            None => assert_eq!(finding.status, Status::Pass, "{finding:?}"),
            Some(variant) => {
                assert_eq!(finding.status, Status::Failed, "{finding:?}");
                writeln!(table, "| EF03 | {variant} | EF03 failed |").unwrap();
            }
        }
    }
    for planted in &planted {
        let folder = tempfile::tempdir().unwrap();
        let found = guards(planted, folder.path());
        let own = |(code, ..): &&(String, String, String)| code == planted.code;
        let beside = found
            .iter()
            .filter(|found| !own(found) && raised(&found.1))
            .count();
        if !found.iter().any(|found| own(&found)) || beside > 1 {
            problems.push(format!("{} {}: {found:#?}", planted.code, planted.variant));
        }
        let said = found.iter().filter(|found| own(found) || raised(&found.1));
        let said: Vec<String> = said
            .map(|(code, status, _)| format!("{code} {status}"))
            .collect();
        writeln!(
            table,
            "| {} | {} | {} |",
            planted.code,
            planted.variant,
            said.join(", ")
        )
        .unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guards.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, after) = document.split_once("<!-- planted -->\n").unwrap();
    let (old, after) = after.split_once("<!-- /planted -->").unwrap();
    if std::env::var_os("EDGEFIT_WRITE_DOCS").is_some() {
        let new = format!("{before}<!-- planted -->\n{table}<!-- /planted -->{after}");
        fs::write(&path, new).unwrap();
    } else {
        assert_eq!(
            old, table,
            "docs/guards.md is not what was seen; EDGEFIT_WRITE_DOCS=1 writes it"
        );
    }
}
