//! Images of a folder, read batch by batch.

use std::path::{Path, PathBuf};

use edgefit_data::{decode, prepare, read_image};
use edgefit_engine::Array;
use edgefit_graph::Preprocessing;

use crate::samples::BATCH;

/// Images with the labels that they should get.
pub struct Images {
    samples: Vec<PathBuf>,
    preprocessing: Preprocessing,
}

impl Images {
    /// The images with their preprocessing.
    pub(super) fn new(samples: Vec<PathBuf>, preprocessing: Preprocessing) -> Self {
        Images {
            samples,
            preprocessing,
        }
    }

    pub(super) fn batches(&self) -> usize {
        self.samples.len().div_ceil(BATCH)
    }

    pub(super) fn batch(&self, index: usize, warn: &mut dyn FnMut(&str)) -> (Array, Vec<usize>) {
        let (mut values, mut read) = (Vec::new(), Vec::new());
        let end = self.samples.len().min((index + 1) * BATCH);
        for sample in index * BATCH..end {
            let path = &self.samples[sample];
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
    prepare(&decode(&read_image(path)?)?, preprocessing)
}

/// The batch that `values` of so many images are.
pub(super) fn array(values: Vec<f32>, samples: usize, preprocessing: &Preprocessing) -> Array {
    let dims = [&[samples], preprocessing.dims().as_slice()].concat();
    Array { dims, values }
}
