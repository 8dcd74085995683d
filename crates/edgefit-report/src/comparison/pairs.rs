//! Runs on the same test samples.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use edgefit_base::statistics::Paired;
use edgefit_graph::Task;

use crate::document::Training;
use crate::run::Manifest;
use crate::words::{counted, shown};

/// The first run and another on the same samples.
pub(super) struct Pair {
    pub name: String,
    pub samples: usize,
    /// Samples of the same name that are others.
    pub left_out: usize,
    pub both_wrong: usize,
    pub only_first: usize,
    pub only_other: usize,
    pub difference: String,
    pub reading: &'static str,
}

/// What a run says of a test sample.
struct Answer {
    truth: String,
    right: bool,
    /// Of the contents of the sample, if the run knows it.
    sha256: Option<String>,
}

impl Answer {
    /// Whether both are of one sample, as far as that is known: rows of an array are named by their places.
    fn is_of_the_sample_of(&self, other: &Answer) -> bool {
        let contents = self.sha256.as_ref().zip(other.sha256.as_ref());
        self.truth == other.truth && contents.is_none_or(|(one, other)| one == other)
    }
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
    let mut all = Vec::new();
    for folder in folders {
        match answers(folder) {
            Ok(answers) => all.push(Some(answers)),
            Err(problem) => {
                remarks.push(format!(
                    "{} is not compared sample by sample: {problem}",
                    folder.display()
                ));
                all.push(None);
            }
        }
    }
    let Some((Some(first), others)) = all.split_first() else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (other, folder) in others.iter().zip(&folders[1..]) {
        let Some(other) = other else {
            continue;
        };
        let pair = pair(first, other, shown(&folder.display().to_string()));
        if pair.left_out > 0 {
            remarks.push(format!(
                "{} left out where {} is compared: of the same name as in {}, but of another label or other contents",
                counted(pair.left_out, "test sample is", "test samples are"),
                folder.display(),
                folders[0].display()
            ));
        }
        pairs.push(pair);
    }
    pairs
}

fn pair(first: &HashMap<String, Answer>, other: &HashMap<String, Answer>, name: String) -> Pair {
    let mut paired = Paired::default();
    let mut both_wrong = 0;
    let mut left_out = 0;
    for (sample, first) in first {
        let Some(other) = other.get(sample) else {
            continue;
        };
        if !first.is_of_the_sample_of(other) {
            left_out += 1;
            continue;
        }
        paired.samples += 1;
        match (first.right, other.right) {
            (true, false) => paired.lost += 1,
            (false, true) => paired.gained += 1,
            (false, false) => both_wrong += 1,
            (true, true) => {}
        }
    }
    let points = 0.0 - 100.0 * paired.loss();
    Pair {
        name,
        samples: paired.samples,
        left_out,
        both_wrong,
        only_first: paired.lost,
        only_other: paired.gained,
        difference: format!(
            "{points:+.1} ± {:.1} points",
            196.0 * paired.standard_error()
        ),
        reading: match paired.samples {
            0 => "no test sample in common",
            _ if !paired.differ() => "may be chance",
            _ if paired.lost > paired.gained => "worse than the first",
            _ => "better than the first",
        },
    }
}

/// What the run in `folder` says of each test sample.
///
/// # Errors
/// Why that cannot be said, as a clause.
fn answers(folder: &Path) -> Result<HashMap<String, Answer>, String> {
    let fail = |error: csv::Error| format!("predictions.csv: {error}");
    let mut reader = ReaderBuilder::new()
        .from_path(folder.join("predictions.csv"))
        .map_err(fail)?;
    let heads = reader.headers().map_err(fail)?;
    let column = |name: &str| heads.iter().position(|head| head == name);
    let (Some(truth), Some(correct)) = (column("truth"), column("correct")) else {
        return Err("predictions.csv does not say what is right".into());
    };
    let listed = Manifest::load(folder).map_or(Vec::new(), |manifest| manifest.samples);
    let hashes = listed
        .into_iter()
        .map(|listed| (listed.path, listed.sha256));
    let hashes: HashMap<String, Option<String>> = hashes.collect();
    let mut record = StringRecord::new();
    let mut all = HashMap::new();
    while reader.read_record(&mut record).map_err(fail)? {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let answer = Answer {
            truth: cell(truth).to_owned(),
            right: cell(correct) == "true",
            sha256: hashes.get(cell(0)).cloned().flatten(),
        };
        all.insert(cell(0).to_owned(), answer);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(all: &[(&str, bool, Option<&str>)]) -> HashMap<String, Answer> {
        let rows = all.iter().enumerate();
        rows.map(|(at, &(truth, right, sha256))| {
            let answer = Answer {
                truth: truth.to_owned(),
                right,
                sha256: sha256.map(str::to_owned),
            };
            (format!("row {at}"), answer)
        })
        .collect()
    }

    #[test]
    fn samples_of_another_label_or_other_contents_are_left_out() {
        let one = answers(&[
            ("a", true, Some("00")),
            ("a", true, Some("00")),
            ("a", true, None),
            ("a", true, None),
        ]);
        let other = answers(&[
            ("a", false, Some("00")),
            ("a", false, Some("11")),
            ("a", false, Some("11")),
            ("b", false, None),
        ]);
        let pair = pair(&one, &other, "other".into());
        assert_eq!((pair.samples, pair.only_first, pair.left_out), (2, 2, 2));
    }

    #[test]
    fn the_test_looks_in_both_directions() {
        let reading = |lost: usize, gained: usize| {
            let one: Vec<_> = (0..lost + gained)
                .map(|at| ("a", at < lost, None::<&str>))
                .collect();
            let other: Vec<_> = one.iter().map(|&(a, right, _)| (a, !right, None)).collect();
            pair(&answers(&one), &answers(&other), "other".into()).reading
        };
        assert_eq!(reading(10, 3), "may be chance");
        assert_eq!(reading(11, 2), "worse than the first");
        assert_eq!(reading(2, 11), "better than the first");
    }
}
