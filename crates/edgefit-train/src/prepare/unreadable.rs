//! Samples that cannot be read.

use edgefit_data::Dataset;
use serde::Serialize;

use crate::config::job::Job;
use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::feature_cache::Entry;

/// An image that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// Path below the dataset's folder.
    pub path: String,
    /// Why it cannot be decoded.
    pub problem: String,
}

/// Most unreadable images that are named one by one.
const NAMED: usize = 10;

/// The images that could not be read, named to the observer.
pub(crate) fn unreadable(
    job: &Job,
    dataset: &Dataset,
    entries: &[Result<Entry, String>],
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
    for image in unreadable.iter().take(NAMED) {
        observer.warn(&format!("{}: {}; left out", image.path, image.problem));
    }
    if unreadable.len() > NAMED {
        let count = unreadable.len();
        observer.warn(&format!(
            "{count} samples could not be read; report.json names them all"
        ));
    }
    Ok(unreadable)
}
