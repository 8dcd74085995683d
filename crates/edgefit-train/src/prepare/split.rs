//! The samples of train, val and test.

use std::collections::BTreeSet;

use edgefit_data::{Dataset, Sample, Split, Splits, halved};

use crate::config::job::Job;
use crate::error::Result;
use crate::prepare::assignment::assign;
use crate::prepare::features::THUMBNAIL;
use crate::prepare::preparation::Preparation;
use crate::prepare::sample_features::SampleFeatures;
use crate::prepare::source::Cached;

/// The samples of one split, with their features.
pub(crate) struct SplitSamples<'a> {
    pub samples: Vec<&'a Sample>,
    entries: Vec<&'a SampleFeatures>,
}

/// The readable samples in train, val and test.
pub(crate) fn divide<'a>(
    dataset: &'a Dataset,
    entries: &'a [Result<SampleFeatures, String>],
    splits: &[Option<Split>],
) -> Splits<SplitSamples<'a>> {
    Splits::from_fn(|wanted| {
        let all = dataset.samples.iter().zip(entries).zip(splits);
        let members = all.filter(|(_, split)| **split == Some(wanted));
        let readable =
            members.filter_map(|((sample, entry), _)| Some((sample, entry.as_ref().ok()?)));
        let (samples, entries) = readable.unzip();
        SplitSamples { samples, entries }
    })
}

/// The split of each sample of the dataset, whose `originals` name for each the sample whose split it shares; `None` where
/// neither it nor that can be read.
///
/// # Errors
/// As [`assign`].
pub(crate) fn splits_of<T>(
    job: &Job,
    dataset: &Dataset,
    entries: &[Result<T, String>],
    originals: &[usize],
) -> Result<Vec<Option<Split>>> {
    let is_readable = |at: &usize| entries[*at].is_ok();
    let assigned: Vec<usize> = (0..entries.len())
        .filter(|at| originals[*at] == *at && is_readable(at))
        .collect();
    let samples: Vec<&Sample> = assigned.iter().map(|&at| &dataset.samples[at]).collect();
    let mut splits = vec![None; entries.len()];
    for (&at, split) in assigned.iter().zip(assign(job, dataset, &samples)?) {
        splits[at] = Some(split);
    }
    Ok(originals.iter().map(|&original| splits[original]).collect())
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

    /// How many groups the samples are of.
    pub fn groups(&self) -> usize {
        let groups = self.samples.iter().filter_map(|sample| sample.group);
        groups.collect::<BTreeSet<usize>>().len()
    }

    /// How many samples are of a class.
    pub fn count(&self, class: usize) -> usize {
        self.samples
            .iter()
            .filter(|sample| sample.class == class)
            .count()
    }

    /// The features of the samples.
    pub fn features(&self) -> Cached {
        self.cached(|entry| &entry.features)
    }

    /// The values at the freeze boundary; absent where they were not kept.
    pub fn boundary(&self) -> Option<Cached> {
        let kept = self.entries.iter().all(|entry| !entry.boundary.is_empty());
        kept.then(|| self.cached(|entry| &entry.boundary))
    }

    fn cached(&self, kept: fn(&SampleFeatures) -> &[f32]) -> Cached {
        let rows = self.entries.iter().map(|entry| kept(entry));
        let clean = rows.collect::<Vec<_>>().concat();
        Cached::new(clean.len() / self.samples.len().max(1), vec![clean])
    }

    /// The samples as thumbnails, see [`THUMBNAIL`].
    pub fn thumbnails(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| entry.pixels.as_slice())
    }

    /// The samples without a network: thumbnails of images, their sides halved `halvings` times, with
    /// pixels scaled to −1 … 1; arrays as they are prepared.
    ///
    /// # Errors
    /// The samples are not of the kind that is prepared.
    pub fn raw(&self, preparation: &Preparation, halvings: u32) -> Result<Cached> {
        let values: Vec<f32> = match preparation {
            Preparation::Images(_) => {
                let sides = (0..halvings).map(|halving| THUMBNAIL as usize >> halving);
                let small = |entry: &&SampleFeatures| {
                    let pixels = entry.pixels.clone();
                    sides
                        .clone()
                        .fold(pixels, |pixels, side| halved(&pixels, side))
                };
                let pixels = self.entries.iter().flat_map(small);
                pixels.map(|pixel| f32::from(pixel) / 127.5 - 1.0).collect()
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
