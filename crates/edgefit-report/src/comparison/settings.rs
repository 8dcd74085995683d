//! The settings in which runs differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use edgefit_base::file;
use serde_json::Value;

use super::row::Row;
use crate::words::shown;

/// Settings of runs in which a change makes no other weights.
const PLACES: [&str; 6] = ["started", "run", "cache", "command", "version", "device"];

/// The settings in which the runs differ.
pub(super) fn settings(folders: &[PathBuf], remarks: &mut Vec<String>) -> Vec<Row> {
    let mut all: Vec<BTreeMap<String, String>> = Vec::new();
    for folder in folders {
        let text = file::read_to_string(&folder.join("job.json"));
        let job = text.map_err(|error| error.to_string());
        let job = job.and_then(|text| {
            serde_json::from_str(&text).map_err(|error: serde_json::Error| error.to_string())
        });
        match job {
            Ok(job) => {
                let mut leaves = BTreeMap::new();
                flatten("", &job, &mut leaves);
                leaves.insert(
                    "device".into(),
                    job["device"]["name"].as_str().unwrap_or("–").to_owned(),
                );
                all.push(leaves);
            }
            Err(problem) => {
                remarks.push(format!(
                    "settings are not compared: {}: job.json: {problem}",
                    folder.display()
                ));
                return Vec::new();
            }
        }
    }
    let mut names: Vec<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    names.sort_unstable();
    names.dedup();
    let rows = names.into_iter().filter_map(|name| {
        let cell = |leaves: &BTreeMap<String, String>| {
            leaves
                .get(name)
                .map_or_else(|| "–".to_owned(), |value| shown(value))
        };
        let cells: Vec<String> = all.iter().map(cell).collect();
        let differ = cells.iter().any(|cell| *cell != cells[0]);
        differ.then(|| Row {
            name: shown(name),
            cells,
        })
    });
    rows.collect()
}

/// The leaves of a document by their paths, but for places and times.
fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if !(path.is_empty() && PLACES.contains(&name.as_str())) {
                    let separator = if path.is_empty() { "" } else { "." };
                    flatten(&format!("{path}{separator}{name}"), value, leaves);
                }
            }
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            leaves.insert(path.to_owned(), items.collect::<Vec<_>>().join(", "));
        }
        Value::String(text) => {
            leaves.insert(path.to_owned(), text.clone());
        }
        other => {
            leaves.insert(path.to_owned(), other.to_string());
        }
    }
}
