//! Samples that cannot be read.

use std::collections::BTreeMap;

use edgefit_base::names::listed;
use edgefit_data::Dataset;
use serde::Serialize;

use crate::config::job::Job;
use crate::error::Result;
use crate::observer::Observer;

/// An image that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// Path below the dataset's folder.
    pub path: String,
    /// Why it cannot be decoded.
    pub problem: String,
}

/// Most problems that are told one by one.
const NAMED: usize = 10;

/// The images that could not be read, named to the observer.
pub(crate) fn unreadable<T>(
    job: &Job,
    dataset: &Dataset,
    entries: &[Result<T, String>],
    observer: &mut dyn Observer,
) -> Result<Vec<Unreadable>> {
    let unreadable: Vec<Unreadable> = dataset
        .samples
        .iter()
        .zip(entries)
        .filter_map(|(sample, entry)| {
            Some(Unreadable {
                path: sample.relative.clone(),
                problem: entry.as_ref().err()?.clone(),
            })
        })
        .collect();
    if let Some(first) = unreadable.first().filter(|_| job.strict) {
        return Err(edgefit_data::Error::Image {
            path: dataset.root.join(&first.path),
            detail: first.problem.clone(),
        }
        .into());
    }
    warn(&unreadable, observer);
    Ok(unreadable)
}

/// Tells each problem, with the images that have it.
fn warn(unreadable: &[Unreadable], observer: &mut dyn Observer) {
    let mut alike: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for image in unreadable {
        alike.entry(&image.problem).or_default().push(&image.path);
    }
    for (problem, paths) in alike.iter().take(NAMED) {
        observer.warn(&match paths.as_slice() {
            [path] => format!("{path}: {problem}; left out"),
            paths => format!(
                "{} images left out: each {problem} ({})",
                paths.len(),
                listed(paths)
            ),
        });
    }
    if alike.len() > NAMED {
        let count = unreadable.len();
        observer.warn(&format!(
            "{count} samples were left out in all; report.json names them"
        ));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Keeps what it is told.
    pub(crate) struct Told(pub Vec<String>);

    impl Observer for Told {
        fn begin(&mut self, _: &str, _: u64) {}
        fn progress(&mut self, _: u64, _: &str) {}
        fn end(&mut self) {}
        fn warn(&mut self, message: &str) {
            self.0.push(message.to_owned());
        }
    }

    #[test]
    fn images_with_one_problem_are_told_in_one_line() {
        let image = |path: &str, problem: &str| Unreadable {
            path: path.into(),
            problem: problem.into(),
        };
        let mut told = Told(Vec::new());
        let images = [
            image("a", "is empty"),
            image("b", "is cut off"),
            image("c", "is empty"),
        ];
        warn(&images, &mut told);
        let expected = [
            "b: is cut off; left out",
            "2 images left out: each is empty (a, c)",
        ];
        assert_eq!(told.0, expected);
    }
}
