//! Inputs of a model, sample by sample: cached, or read when a step wants them.

use edgefit_data::{Augmentation, Sample};
use rayon::prelude::*;

use crate::error::Result;
use crate::prepare::preparation::Preparation;

/// Where the inputs of a model come from, sample by sample.
pub trait Source: Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether rows take time: files are read for them.
    fn reads_files(&self) -> bool {
        false
    }

    /// Inputs of some samples, a row for each: as they are in epoch 0, augmented in later ones.
    ///
    /// Deterministic: a sample has the same row in the same epoch, in whatever order rows are read.
    ///
    /// # Errors
    /// A sample can no longer be read.
    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>>;
}

/// Inputs that are computed already: features, activations, arrays.
#[derive(Debug, Clone, Default)]
pub struct Cached {
    width: usize,
    /// For each view: samples × width, row-major. The first is clean.
    views: Vec<Vec<f32>>,
}

impl Cached {
    /// Rows of `width` values each; every view has the same samples.
    pub fn new(width: usize, views: Vec<Vec<f32>>) -> Self {
        Cached { width, views }
    }

    /// The same, with more views of each sample behind its own.
    pub fn with_views(mut self, more: Vec<Vec<f32>>) -> Self {
        self.views.extend(more);
        self
    }

    /// All samples of a view, row-major; the clean one is 0.
    pub fn view(&self, view: usize) -> &[f32] {
        self.views.get(view).map_or(&[], Vec::as_slice)
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of views.
    pub fn views(&self) -> usize {
        self.views.len()
    }
}

impl Source for Cached {
    fn len(&self) -> usize {
        self.view(0).len() / self.width.max(1)
    }

    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
        let views = self.views.len().max(1);
        let row = |&sample: &usize| {
            // Each sample goes through its views, one an epoch.
            let view = match epoch {
                0 => 0,
                epoch => (epoch - 1 + sample) % views,
            };
            &self.view(view)[sample * self.width..(sample + 1) * self.width]
        };
        Ok(samples.iter().map(row).collect::<Vec<_>>().concat())
    }
}

/// Some samples of another source.
pub(crate) struct Selected<'a> {
    source: &'a dyn Source,
    samples: &'a [usize],
}

impl<'a> Selected<'a> {
    pub fn new(source: &'a dyn Source, samples: &'a [usize]) -> Self {
        Selected { source, samples }
    }
}

impl Source for Selected<'_> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
        let samples: Vec<usize> = samples.iter().map(|&at| self.samples[at]).collect();
        self.source.rows(&samples, epoch)
    }
}

/// Samples that are read, and from the first epoch on augmented, whenever a step wants them.
pub(crate) struct Live<'a> {
    pub samples: &'a [&'a Sample],
    pub preparation: &'a Preparation,
    pub augmentation: Augmentation,
    pub seed: u64,
}

impl Source for Live<'_> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn reads_files(&self) -> bool {
        matches!(self.preparation, Preparation::Images(_))
    }

    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
        let row = |&sample: &usize| {
            let sample = self.samples[sample];
            match epoch {
                0 => self.preparation.clean(sample),
                epoch => {
                    let (augmentation, view) = (&self.augmentation, epoch as u64);
                    self.preparation.view(sample, augmentation, self.seed, view)
                }
            }
        };
        let rows: Vec<Vec<f32>> = samples.par_iter().map(row).collect::<Result<_>>()?;
        Ok(rows.concat())
    }
}
