//! [`SampleSet`]: images or arrays that a model takes, to be read in any order and again and again.

use std::collections::BTreeSet;
use std::path::Path;

use edgefit_data::{decode, read_image};
use edgefit_engine::Array;
use edgefit_graph::{Graph, Preprocessing, labels};

use crate::error::{Error, Result};
use crate::samples::{self, Image, Sample};

/// Samples that are read and prepared as the model asks for when they are needed.
#[derive(Debug)]
pub struct SampleSet {
    source: Source,
    samples: Vec<Sample>,
}

#[derive(Debug)]
enum Source {
    Images(Vec<Image>, Preprocessing),
    Arrays(Vec<Array>),
}

impl SampleSet {
    /// What lies at `path` for the model `graph`: a folder of images, or arrays, as an `.npz` file or a folder
    /// of `.npy` files; `only` may name some of them. Images that cannot be read are told to `warn` and left
    /// out, and targets that are no classes are told to it.
    ///
    /// # Errors
    /// There are no samples, they do not go with the model, or it does not say how images are prepared.
    pub fn open(
        path: &Path,
        graph: &Graph,
        only: Option<&BTreeSet<String>>,
        warn: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        if samples::are_arrays(path, graph)? {
            let batch = samples::arrays(path, graph, only, warn)?;
            return Ok(SampleSet {
                samples: batch.samples,
                source: Source::Arrays(batch.inputs),
            });
        }
        let preprocessing = Preprocessing::of(graph)?;
        let preprocessing = preprocessing.ok_or_else(|| {
            Error::invalid(
                "the model does not say how its images are to be prepared; say it with --preprocessing, one \
                 of imagenet, tf, lite, unit, raw",
            )
        })?;
        let labels = labels::of(graph)?.unwrap_or_default();
        let mut images = samples::images(path, &labels, only, warn)?;
        images.retain(|image| {
            let read = read_image(&image.path).and_then(|bytes| decode(&bytes));
            if let Err(problem) = &read {
                warn(&format!("{}: {problem}; left out", image.path.display()));
            }
            read.is_ok()
        });
        if images.is_empty() {
            return Err(Error::invalid(format!(
                "none of the images in {} can be read; give images in PNG, JPEG, WebP, BMP or GIF",
                path.display()
            )));
        }
        Ok(SampleSet {
            samples: images.iter().map(|image| image.sample.clone()).collect(),
            source: Source::Images(images, preprocessing),
        })
    }

    /// The samples, in the order of their paths or rows.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The samples with those `indices` as a batch: an array for each input of the model.
    ///
    /// # Errors
    /// An image cannot be read any more.
    pub fn batch(&self, indices: &[usize]) -> Result<Vec<Array>> {
        match &self.source {
            Source::Arrays(inputs) => Ok(inputs
                .iter()
                .map(|input| samples::rows(input, indices))
                .collect()),
            Source::Images(images, preprocessing) => {
                let images: Vec<Image> = indices.iter().map(|&at| images[at].clone()).collect();
                let batch = samples::batch(&images, preprocessing);
                match batch.left_out.first() {
                    Some((image, problem)) => {
                        let path = image.path.display();
                        Err(Error::invalid(format!("{path}: {problem}")))
                    }
                    None => Ok(batch.inputs),
                }
            }
        }
    }
}
