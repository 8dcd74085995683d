//! Images with labels, read batch by batch.

use std::path::{Path, PathBuf};

use edgefit_data::{decode, prepare};
use edgefit_engine::Array;
use edgefit_graph::Preprocessing;

/// Images that go through the engines at once.
const BATCH: usize = 16;

/// Images with the labels that they should get.
pub struct Images {
    samples: Vec<(PathBuf, usize)>,
    preprocessing: Preprocessing,
}

impl Images {
    /// Each image with the index of its label.
    pub(super) fn new(samples: Vec<(PathBuf, usize)>, preprocessing: Preprocessing) -> Self {
        Images {
            samples,
            preprocessing,
        }
    }

    /// The label of each sample.
    pub(crate) fn label(&self, sample: usize) -> usize {
        self.samples[sample].1
    }

    pub(super) fn batches(&self) -> usize {
        self.samples.len().div_ceil(BATCH)
    }

    pub(super) fn batch(&self, index: usize, warn: &mut dyn FnMut(&str)) -> (Array, Vec<usize>) {
        let (mut values, mut read) = (Vec::new(), Vec::new());
        let end = self.samples.len().min((index + 1) * BATCH);
        for sample in index * BATCH..end {
            let path = &self.samples[sample].0;
            match prepared(path, &self.preprocessing) {
                Ok(input) => {
                    values.extend(input);
                    read.push(sample);
                }
                Err(problem) => warn(&format!("{}: {problem}; left out", path.display())),
            }
        }
        (array(values, read.len(), &self.preprocessing), read)
    }
}

/// One image as the model takes it.
pub(super) fn prepared(path: &Path, preprocessing: &Preprocessing) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    prepare(&decode(&bytes)?, preprocessing)
}

/// The batch that `values` of so many images are.
pub(super) fn array(values: Vec<f32>, samples: usize, preprocessing: &Preprocessing) -> Array {
    let (height, width) = (preprocessing.height as usize, preprocessing.width as usize);
    Array {
        dims: vec![samples, 3, height, width],
        values,
    }
}
