//! Runs on the same test samples.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use edgefit_base::statistics::Paired;
use edgefit_graph::Task;

use crate::document::Training;
use crate::words::shown;

/// The first run and another on the same samples.
pub(super) struct Pair {
    pub name: String,
    pub samples: usize,
    pub both_wrong: usize,
    pub only_first: usize,
    pub only_other: usize,
    pub difference: String,
    pub reading: &'static str,
}

/// The first run against each of the others, on the test samples that both have.
pub(super) fn pairs(
    runs: &[Training],
    folders: &[PathBuf],
    remarks: &mut Vec<String>,
) -> Vec<Pair> {
    if runs.first().is_none_or(|run| run.task == Task::Regression) {
        return Vec::new();
    }
    let mut answers = Vec::new();
    for folder in folders {
        match right(&folder.join("predictions.csv")) {
            Ok(right) => answers.push(Some(right)),
            Err(problem) => {
                remarks.push(format!(
                    "{} is not compared sample by sample: {problem}",
                    folder.display()
                ));
                answers.push(None);
            }
        }
    }
    let Some((Some(first), others)) = answers.split_first() else {
        return Vec::new();
    };
    let compared = others
        .iter()
        .zip(&folders[1..])
        .filter_map(|(other, folder)| {
            let other = other.as_ref()?;
            Some(pair(first, other, shown(&folder.display().to_string())))
        });
    compared.collect()
}

fn pair(first: &HashMap<String, bool>, other: &HashMap<String, bool>, name: String) -> Pair {
    let mut paired = Paired::default();
    let mut both_wrong = 0;
    for (sample, right) in first {
        let Some(other) = other.get(sample) else {
            continue;
        };
        paired.samples += 1;
        match (right, other) {
            (true, false) => paired.lost += 1,
            (false, true) => paired.gained += 1,
            (false, false) => both_wrong += 1,
            (true, true) => {}
        }
    }
    let points = 0.0 - 100.0 * paired.loss();
    let (lost, gained) = (
        paired.exceeds(0.0),
        Paired {
            lost: paired.gained,
            gained: paired.lost,
            ..paired
        }
        .exceeds(0.0),
    );
    Pair {
        name,
        samples: paired.samples,
        both_wrong,
        only_first: paired.lost,
        only_other: paired.gained,
        difference: format!(
            "{points:+.1} ± {:.1} points",
            196.0 * paired.standard_error()
        ),
        reading: match (lost, gained) {
            _ if paired.samples == 0 => "no test sample in common",
            (true, _) => "worse than the first",
            (_, true) => "better than the first",
            _ => "may be chance",
        },
    }
}

/// Whether each test sample is classified correctly.
///
/// # Errors
/// Why that cannot be said, as a clause.
fn right(path: &Path) -> Result<HashMap<String, bool>, String> {
    let fail = |error: csv::Error| format!("predictions.csv: {error}");
    let mut reader = ReaderBuilder::new().from_path(path).map_err(fail)?;
    let at = reader
        .headers()
        .map_err(fail)?
        .iter()
        .position(|head| head == "correct");
    let at = at.ok_or("predictions.csv does not say what is right")?;
    let mut record = StringRecord::new();
    let mut all = HashMap::new();
    while reader.read_record(&mut record).map_err(fail)? {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        all.insert(cell(0).to_owned(), cell(at) == "true");
    }
    Ok(all)
}
