use edgefit_data::{Dataset, Part, Sample, split};
use serde::Serialize;

use crate::error::Result;
use crate::events::Observer;
use crate::features::Entry;
use crate::fit::Cached;
use crate::job::Job;
use crate::report::Unreadable;

/// The samples of one part.
pub(crate) struct PartSamples<'a> {
    pub samples: Vec<&'a Sample>,
    entries: Vec<&'a Entry>,
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
    if let (true, Some(first)) = (job.strict, unreadable.first()) {
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
            "{count} images could not be read; report.json names them all"
        ));
    }
    Ok(unreadable)
}

/// The readable samples in train, val and test.
pub(crate) fn divide<'a>(
    job: &Job,
    dataset: &'a Dataset,
    entries: &'a [Result<Entry, String>],
) -> Result<[PartSamples<'a>; 3]> {
    let readable: Vec<(&Sample, &Entry)> = dataset
        .samples
        .iter()
        .zip(entries)
        .filter_map(|(sample, entry)| Some((sample, entry.as_ref().ok()?)))
        .collect();
    let classes: Vec<usize> = readable.iter().map(|(sample, _)| sample.class).collect();
    let given: Vec<Option<Part>> = readable.iter().map(|(sample, _)| sample.part).collect();
    let too_few = |class: usize, count: usize| edgefit_data::Error::Dataset {
        path: dataset.root.clone(),
        problem: format!(
            "class '{}' has {count} readable images to train on, too few to hold some out; add \
             some, or remove the class",
            dataset.classes[class]
        ),
    };
    let absent = (0..dataset.classes.len()).find(|class| !classes.contains(class));
    if let Some(class) = absent {
        return Err(too_few(class, 0).into());
    }
    let parts =
        split(&classes, &given, job.recipe.seed).map_err(|(class, count)| too_few(class, count))?;
    Ok([Part::Train, Part::Val, Part::Test].map(|wanted| {
        let members = readable
            .iter()
            .zip(&parts)
            .filter(|(_, part)| **part == wanted);
        let (samples, entries) = members.map(|(member, _)| *member).unzip();
        PartSamples { samples, entries }
    }))
}

impl PartSamples<'_> {
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.class).collect()
    }

    pub fn count(&self, class: usize) -> usize {
        self.samples
            .iter()
            .filter(|sample| sample.class == class)
            .count()
    }

    /// The features of the samples, with more `views` of each behind the clean one.
    pub fn features(&self, views: &[Vec<f32>]) -> Cached {
        let clean: Vec<f32> = self
            .entries
            .iter()
            .flat_map(|entry| &entry.features)
            .copied()
            .collect();
        let width = clean.len() / self.samples.len().max(1);
        Cached::new(width, [&[clean], views].concat())
    }

    /// The samples as thumbnails, see [`crate::features::THUMBNAIL`].
    pub fn thumbnails(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| entry.pixels.as_slice())
    }

    /// Pixels scaled to −1 … 1.
    pub fn pixels(&self) -> Cached {
        let pixels = self.entries.iter().flat_map(|entry| &entry.pixels);
        let scaled: Vec<f32> = pixels
            .map(|&pixel| f32::from(pixel) / 127.5 - 1.0)
            .collect();
        Cached::new(scaled.len() / self.samples.len().max(1), vec![scaled])
    }
}

#[derive(Serialize)]
pub(crate) struct SplitFile<'a> {
    train: Vec<&'a str>,
    val: Vec<&'a str>,
    test: Vec<&'a str>,
}

impl<'a> SplitFile<'a> {
    pub fn of(parts: &'a [PartSamples; 3]) -> Self {
        let [train, val, test] = parts.each_ref().map(|part| {
            part.samples
                .iter()
                .map(|sample| sample.relative.as_str())
                .collect()
        });
        SplitFile { train, val, test }
    }
}
