//! Images as inputs of a model, read when they are wanted.

use edgefit_data::{Augmentation, Sample, augmented, decode, prepare, stream};
use edgefit_graph::Preprocessing;
use rayon::prelude::*;

use crate::error::Result;
use crate::fit::Source;

/// Images that are decoded, and from the first epoch on augmented, whenever a step wants them.
pub(crate) struct Images<'a> {
    pub samples: &'a [&'a Sample],
    pub preprocessing: &'a Preprocessing,
    pub augmentation: &'a Augmentation,
    pub seed: u64,
}

impl Source for Images<'_> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
        let row = |&sample: &usize| {
            let sample = self.samples[sample];
            input(sample, |image| match epoch {
                0 => prepare(image, self.preprocessing),
                epoch => {
                    let mut chance = stream(self.seed, epoch as u64, &sample.relative);
                    augmented(image, self.preprocessing, self.augmentation, &mut chance)
                }
            })
        };
        let rows: Vec<Vec<f32>> = samples.par_iter().map(row).collect::<Result<_>>()?;
        Ok(rows.concat())
    }
}

/// What `made` makes of the image of a sample.
pub(crate) fn input<T>(
    sample: &Sample,
    made: impl FnOnce(&edgefit_data::RgbImage) -> Result<T, String>,
) -> Result<T> {
    let bytes = std::fs::read(&sample.path).map_err(|source| edgefit_data::Error::Read {
        path: sample.path.clone(),
        source,
    })?;
    let image = |detail| edgefit_data::Error::Image {
        path: sample.path.clone(),
        detail,
    };
    Ok(decode(&bytes)
        .and_then(|decoded| made(&decoded))
        .map_err(image)?)
}
