//! A card about a dataset: what is to be known of it before anything is trained.

use std::collections::HashMap;
use std::path::PathBuf;

use edgefit_base::statistics::quantile;
use edgefit_graph::Task;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::dataset::{Content, Dataset, Sample};
use crate::decode::{decode, read_image};
use crate::duplicates::near_copies;
use crate::prepare::thumbnail;
use crate::split::Split;

#[cfg(test)]
mod tests;

/// Side of the thumbnails that are compared.
const SIDE: u32 = 32;

/// Scaled distances from the median from which on a value is an outlier: of a normal distribution one in
/// two million is.
const FAR: f64 = 5.0;

/// Median absolute deviation of the standard normal distribution.
const NORMAL_MAD: f64 = 0.674_489_75;

/// Outliers that are named for each figure.
const MOST_OUTLIERS: usize = 20;

/// A card about a dataset.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Its folder or file.
    pub data: PathBuf,
    /// What is predicted.
    pub task: Task,
    /// All samples that are listed.
    pub samples: usize,
    /// Names of the classes, the labels or the regression targets.
    pub classes: Vec<String>,
    /// Readable samples of each class, or with each label; empty for regression.
    pub counts: Vec<usize>,
    /// Samples that the user has put into train, val and test; all 0 where they are not split.
    pub splits: [usize; 3],
    /// Width of images in pixels.
    pub width: Option<Spread>,
    /// Height of images in pixels.
    pub height: Option<Spread>,
    /// Width by height of images.
    pub aspect: Option<Spread>,
    /// Mean brightness of images, from 0 to 1.
    pub brightness: Option<Spread>,
    /// Samples of equal contents.
    pub copies: Vec<Copies>,
    /// Images that are nearly the same.
    pub near_copies: Vec<Copies>,
    /// Images that are unlike the others.
    pub outliers: Vec<Outlier>,
    /// Labels that the features of a backbone doubt, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_doubts: Option<LabelDoubts>,
    /// Samples that training would leave out, and why.
    pub left_out: Vec<LeftOut>,
    /// What was assumed, and what is not read.
    pub remarks: Vec<String>,
}

/// How the values of a figure are spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// Half are below.
    pub median: f64,
    /// The greatest.
    pub greatest: f64,
}

/// Samples that are the same, or nearly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// Their paths or rows.
    pub samples: Vec<String>,
    /// Whether they are of different classes, so that one label is wrong.
    pub classes_differ: bool,
    /// Whether they are in different splits, so that a test would be of what was trained on.
    pub splits_differ: bool,
}

/// An image that is unlike the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlier {
    /// Its path.
    pub sample: String,
    /// In what: `aspect`, `brightness` or `pixels`.
    pub figure: &'static str,
    /// Its own value.
    pub value: f64,
    /// The median of all.
    pub median: f64,
}

/// Labels that are in doubt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelDoubts {
    /// Samples that were looked at.
    pub samples: usize,
    /// Those whose label is in doubt, the most doubtful first.
    pub doubts: Vec<LabelDoubt>,
}

/// A label that is in doubt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelDoubt {
    /// Path or row of the sample.
    pub sample: String,
    /// Its class.
    pub label: String,
    /// The class that is likelier.
    pub likelier: String,
    /// Of its class and of the likelier one.
    pub probabilities: [f32; 2],
}

/// A sample that training would leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its path.
    pub sample: String,
    /// Why it cannot be read.
    pub problem: String,
}

/// What is looked at of a sample.
struct Look {
    hash: [u8; 32],
    /// Of images.
    picture: Option<Picture>,
}

struct Picture {
    size: [u32; 2],
    brightness: f64,
    thumbnail: Vec<u8>,
}

impl Card {
    /// Reads every sample of `dataset` once; nothing is changed.
    pub fn of(dataset: &Dataset) -> Self {
        let looks: Vec<Result<Look, String>> = dataset.samples.par_iter().map(look).collect();
        let read = || {
            let pairs = dataset.samples.iter().zip(&looks);
            pairs.filter_map(|(sample, look)| Some((sample, look.as_ref().ok()?)))
        };
        let pictures: Vec<(&Sample, &Picture)> = read()
            .filter_map(|(sample, look)| Some((sample, look.picture.as_ref()?)))
            .collect();
        let spread = |of: fn(&Picture) -> f64| Spread::of(pictures.iter().map(|(_, one)| of(one)));
        let problems = dataset.samples.iter().zip(&looks);
        let problems = problems.filter_map(|(sample, look)| {
            Some(LeftOut {
                sample: sample.relative.clone(),
                problem: look.as_ref().err()?.clone(),
            })
        });
        Card {
            data: dataset.root.clone(),
            task: dataset.task,
            samples: dataset.samples.len(),
            classes: dataset.classes.clone(),
            counts: counts(dataset, read().map(|(sample, _)| sample)),
            splits: Split::ALL.map(|split| {
                let in_split = dataset.samples.iter();
                in_split
                    .filter(|sample| sample.split == Some(split))
                    .count()
            }),
            width: spread(|one| f64::from(one.size[0])),
            height: spread(|one| f64::from(one.size[1])),
            aspect: spread(aspect),
            brightness: spread(|one| one.brightness),
            copies: equal(read()),
            near_copies: near(read()),
            outliers: outliers(&pictures),
            label_doubts: None,
            left_out: problems.collect(),
            remarks: dataset.remarks.clone(),
        }
    }
}

fn aspect(picture: &Picture) -> f64 {
    f64::from(picture.size[0]) / f64::from(picture.size[1])
}

fn look(sample: &Sample) -> Result<Look, String> {
    match &sample.content {
        Content::Image(path) => {
            let bytes = read_image(path)?;
            let image = decode(&bytes)?;
            let thumbnail = thumbnail(&image, SIDE)?;
            let sum: f64 = thumbnail.iter().map(|&value| f64::from(value)).sum();
            Ok(Look {
                hash: Sha256::digest(&bytes).into(),
                picture: Some(Picture {
                    size: [image.width(), image.height()],
                    brightness: sum / (255.0 * thumbnail.len().max(1) as f64),
                    thumbnail,
                }),
            })
        }
        Content::Values(values) => Ok(Look {
            hash: Sha256::digest(edgefit_base::floats::as_bytes(values)).into(),
            picture: None,
        }),
    }
}

fn counts<'s>(dataset: &Dataset, samples: impl Iterator<Item = &'s Sample>) -> Vec<usize> {
    let mut counts = match dataset.task {
        Task::Regression => return Vec::new(),
        _ => vec![0; dataset.classes.len()],
    };
    for sample in samples {
        if sample.targets.is_empty()
            && let Some(count) = counts.get_mut(sample.class)
        {
            *count += 1;
        }
        for (count, target) in counts.iter_mut().zip(&sample.targets) {
            *count += usize::from(*target > 0.5);
        }
    }
    counts
}

impl Copies {
    fn of(samples: &[&Sample]) -> Self {
        let differ = |is: &dyn Fn(&Sample, &Sample) -> bool| {
            samples.windows(2).any(|pair| is(pair[0], pair[1]))
        };
        Copies {
            samples: samples
                .iter()
                .map(|sample| sample.relative.clone())
                .collect(),
            classes_differ: differ(&|a, b| a.class != b.class || a.targets != b.targets),
            splits_differ: differ(&|a, b| a.split != b.split),
        }
    }
}

/// Samples of equal contents, in the order of the first of each; those whose labels differ first.
fn equal<'s>(samples: impl Iterator<Item = (&'s Sample, &'s Look)>) -> Vec<Copies> {
    let mut places: HashMap<[u8; 32], usize> = HashMap::new();
    let mut groups: Vec<Vec<&Sample>> = Vec::new();
    for (sample, look) in samples {
        let place = *places.entry(look.hash).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(sample),
            None => groups.push(vec![sample]),
        }
    }
    let copies = groups.iter().filter(|group| group.len() > 1);
    let mut copies: Vec<Copies> = copies.map(|group| Copies::of(group)).collect();
    copies.sort_by_key(|group| !group.classes_differ);
    copies
}

/// Pairs that are nearly the same, without those whose files are equal.
fn near<'s>(samples: impl Iterator<Item = (&'s Sample, &'s Look)>) -> Vec<Copies> {
    let pictures = samples.filter(|(_, look)| look.picture.is_some());
    let (samples, looks): (Vec<&Sample>, Vec<&Look>) = pictures.unzip();
    let thumbnails: Vec<&[u8]> = looks
        .iter()
        .filter_map(|look| Some(look.picture.as_ref()?.thumbnail.as_slice()))
        .collect();
    let classes: Vec<usize> = samples.iter().map(|sample| sample.class).collect();
    let found = near_copies(&thumbnails, &classes).into_iter();
    let differ = found.filter(|pair| looks[pair.a].hash != looks[pair.b].hash);
    let mut pairs: Vec<Copies> = differ
        .map(|pair| Copies::of(&[samples[pair.a], samples[pair.b]]))
        .collect();
    pairs.sort_by_key(|pair| !pair.classes_differ);
    pairs
}

impl Spread {
    /// `None` of nothing.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Some(Spread {
            least: *values.first()?,
            median: quantile(&values, 0.5)?,
            greatest: *values.last()?,
        })
    }
}

/// In what an image can be unlike the others.
struct Figure {
    name: &'static str,
    of: fn(&Picture) -> f64,
    /// On which scale distances are taken.
    scale: fn(f64) -> f64,
}

/// Images that are far from the median in units of the median absolute deviation (Iglewicz & Hoaglin 1993,
/// How to Detect and Handle Outliers, section 3.2); aspect and size by their logarithms.
fn outliers(pictures: &[(&Sample, &Picture)]) -> Vec<Outlier> {
    let figures = [
        Figure {
            name: "aspect",
            of: aspect,
            scale: f64::ln,
        },
        Figure {
            name: "brightness",
            of: |one| one.brightness,
            scale: |value| value,
        },
        Figure {
            name: "pixels",
            of: |one| f64::from(one.size[0]) * f64::from(one.size[1]),
            scale: f64::ln,
        },
    ];
    let mut found = Vec::new();
    for Figure { name, of, scale } in figures {
        let Some(median) = Spread::of(pictures.iter().map(|(_, one)| of(one))) else {
            continue;
        };
        let middle = scale(median.median);
        let distance = |picture: &Picture| (scale(of(picture)) - middle).abs();
        let usual = Spread::of(pictures.iter().map(|(_, one)| distance(one)));
        let usual = usual.map_or(0.0, |usual| usual.median) / NORMAL_MAD;
        if usual <= 0.0 {
            // More than half are the same, so that nothing is known of how far is usual.
            continue;
        }
        let mut far: Vec<(f64, Outlier)> = pictures
            .iter()
            .map(|(sample, picture)| {
                let outlier = Outlier {
                    sample: sample.relative.clone(),
                    figure: name,
                    value: of(picture),
                    median: median.median,
                };
                (distance(picture) / usual, outlier)
            })
            .filter(|(distance, _)| *distance > FAR)
            .collect();
        far.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.extend(
            far.into_iter()
                .take(MOST_OUTLIERS)
                .map(|(_, outlier)| outlier),
        );
    }
    found
}
