use std::path::Path;

use edgefit_data::{Dataset, Part, Sample, split};
use edgefit_graph::Task;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::features::Entry;
use crate::fit::Cached;
use crate::job::Job;
use crate::preparation::Preparation;
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
            "{count} samples could not be read; report.json names them all"
        ));
    }
    Ok(unreadable)
}

/// What each of some samples is used for: every class in every part.
///
/// # Errors
/// A class has too few of them.
pub(crate) fn assign(job: &Job, dataset: &Dataset, samples: &[&Sample]) -> Result<Vec<Part>> {
    let classes: Vec<usize> = samples.iter().map(|sample| sample.class).collect();
    let given: Vec<Option<Part>> = samples.iter().map(|sample| sample.split).collect();
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
    let parts = split(&classes, &given, job.recipe.seed);
    Ok(parts.map_err(|(class, count)| too_few(class, count))?)
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
    let samples: Vec<&Sample> = readable.iter().map(|(sample, _)| *sample).collect();
    let parts = assign(job, dataset, &samples)?;
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

    /// Labels or numbers of the samples, row-major; empty where they have a class.
    pub fn targets(&self) -> Vec<f32> {
        let samples = self.samples.iter();
        samples
            .flat_map(|sample| &sample.targets)
            .copied()
            .collect()
    }

    /// How many samples have each of the labels.
    pub fn having(&self, labels: usize) -> Vec<usize> {
        let of = |label: usize| {
            let samples = self.samples.iter();
            samples.filter(|sample| sample.targets[label] > 0.5).count()
        };
        (0..labels).map(of).collect()
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

/// `splits.json` of a run: which images were trained on, and which were held out, by their paths below
/// the dataset's folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct SplitFile {
    /// Trained on.
    pub train: Vec<String>,
    /// Choices were made on.
    pub val: Vec<String>,
    /// Read once, at the end.
    pub test: Vec<String>,
}

impl SplitFile {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.splits/1";

    pub(crate) fn of(parts: &[PartSamples; 3]) -> Self {
        let [train, val, test] = parts.each_ref().map(|part| {
            let samples = part.samples.iter();
            samples.map(|sample| sample.relative.clone()).collect()
        });
        SplitFile { train, val, test }
    }

    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, or is not the document of a run.
    pub fn load(path: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Checkpoint {
            path: path.to_path_buf(),
            problem,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| fail(format!("cannot be read ({error})")))?;
        #[derive(Deserialize)]
        struct Document {
            schema: String,
            #[serde(flatten)]
            splits: SplitFile,
        }
        let wrong = |what: String| {
            fail(format!(
                "is not the splits.json of a run ({what}); give the one that `edgefit train` wrote"
            ))
        };
        let document: Document =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        match document.schema == Self::SCHEMA {
            true => Ok(document.splits),
            false => Err(wrong(format!("its schema is '{}'", document.schema))),
        }
    }
}
