use crate::error::Result;

/// Where the inputs of a model come from, sample by sample.
pub trait Source {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Inputs of some samples, a row for each: as they are in epoch 0, augmented in later ones.
    ///
    /// The same samples of the same epoch are the same, whatever was asked before.
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
    /// Rows of `width` numbers each; every view has the same samples.
    pub fn new(width: usize, views: Vec<Vec<f32>>) -> Self {
        Cached { width, views }
    }

    /// All samples of a view, row-major; the clean one is 0.
    pub fn view(&self, view: usize) -> &[f32] {
        self.views.get(view).map_or(&[], Vec::as_slice)
    }

    /// Numbers of a row.
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
            // Each epoch sees every sample in another view, and all views in turn.
            let view = match epoch {
                0 => 0,
                epoch => (epoch - 1 + sample) % views,
            };
            &self.view(view)[sample * self.width..(sample + 1) * self.width]
        };
        Ok(samples.iter().flat_map(row).copied().collect())
    }
}

/// Some samples of another source.
pub(super) struct Selected<'a> {
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
