//! The samples of train, val and test.

use edgefit_data::{Dataset, Sample, Split, Splits, split};
use edgefit_graph::Task;

use crate::config::job::Job;
use crate::error::Result;
use crate::prepare::feature_cache::Entry;
use crate::prepare::preparation::Preparation;
use crate::prepare::source::Cached;

/// The samples of one split, with their features.
pub(crate) struct SplitSamples<'a> {
    pub samples: Vec<&'a Sample>,
    entries: Vec<&'a Entry>,
}

/// What each of some samples is used for: every class in every split.
///
/// # Errors
/// A class has too few of them.
pub(crate) fn assign(job: &Job, dataset: &Dataset, samples: &[&Sample]) -> Result<Vec<Split>> {
    let classes: Vec<usize> = samples.iter().map(|sample| sample.class).collect();
    let given: Vec<Option<Split>> = samples.iter().map(|sample| sample.split).collect();
    let too_few = |class: usize, count: usize| edgefit_data::Error::Dataset {
        path: dataset.root.clone(),
        problem: match dataset.task {
            Task::Classes => format!(
                "class '{}' has {count} readable {} to train on, too few to hold some out; add \
                 some, or remove the class",
                dataset.classes[class],
                dataset.noun()
            ),
            _ => format!(
                "has {count} readable {} to train on, too few to hold some out; add some",
                dataset.noun()
            ),
        },
    };
    let absent = (0..dataset.classes.len()).find(|class| !classes.contains(class));
    if let (Task::Classes, Some(class)) = (dataset.task, absent) {
        return Err(too_few(class, 0).into());
    }
    let splits = split(&classes, &given, job.recipe.seed);
    Ok(splits.map_err(|(class, count)| too_few(class, count))?)
}

/// The readable samples in train, val and test.
pub(crate) fn divide<'a>(
    job: &Job,
    dataset: &'a Dataset,
    entries: &'a [Result<Entry, String>],
) -> Result<Splits<SplitSamples<'a>>> {
    let readable: Vec<(&Sample, &Entry)> = dataset
        .samples
        .iter()
        .zip(entries)
        .filter_map(|(sample, entry)| Some((sample, entry.as_ref().ok()?)))
        .collect();
    let samples: Vec<&Sample> = readable.iter().map(|(sample, _)| *sample).collect();
    let splits = assign(job, dataset, &samples)?;
    Ok(Splits::from_fn(|wanted| {
        let members = readable
            .iter()
            .zip(&splits)
            .filter(|(_, split)| **split == wanted);
        let (samples, entries) = members.map(|(member, _)| *member).unzip();
        SplitSamples { samples, entries }
    }))
}

impl SplitSamples<'_> {
    /// The class of each sample.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.class).collect()
    }

    /// Labels or regression targets of the samples, row-major; empty where they have a class.
    pub fn targets(&self) -> Vec<f32> {
        let samples = self.samples.iter();
        samples
            .flat_map(|sample| &sample.targets)
            .copied()
            .collect()
    }

    /// How many samples have each of the labels.
    pub fn label_counts(&self, labels: usize) -> Vec<usize> {
        let of = |label: usize| {
            let samples = self.samples.iter();
            samples.filter(|sample| sample.targets[label] > 0.5).count()
        };
        (0..labels).map(of).collect()
    }

    /// How many samples are of a class.
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

    /// The samples as thumbnails, see [`crate::prepare::features::THUMBNAIL`].
    pub fn thumbnails(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| entry.pixels.as_slice())
    }

    /// The samples without a network: thumbnails of images with pixels scaled to −1 … 1, arrays as
    /// they are prepared.
    ///
    /// # Errors
    /// The samples are not of the kind that is prepared.
    pub fn raw(&self, preparation: &Preparation) -> Result<Cached> {
        let values: Vec<f32> = match preparation {
            Preparation::Images(_) => {
                let pixels = self.entries.iter().flat_map(|entry| &entry.pixels);
                pixels
                    .map(|&pixel| f32::from(pixel) / 127.5 - 1.0)
                    .collect()
            }
            Preparation::Arrays(_) => {
                let rows = self.samples.iter();
                let rows = rows.map(|sample| preparation.clean(sample));
                rows.collect::<Result<Vec<_>>>()?.concat()
            }
        };
        Ok(Cached::new(
            values.len() / self.samples.len().max(1),
            vec![values],
        ))
    }
}
