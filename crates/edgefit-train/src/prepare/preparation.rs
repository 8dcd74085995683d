//! What is done to a sample before a model sees it.

use edgefit_data::{
    Augmentation, Content, RgbImage, Sample, Split, augmented, decode, fit_scaler, prepare, stream,
};
use edgefit_engine::Array;
use edgefit_graph::{Graph, Preprocessing, StandardScaler};
use serde::Serialize;

use crate::error::{Error, Result};

/// What is done to a sample before the model sees it; part of the exported file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preparation {
    /// To images.
    Images(Preprocessing),
    /// To arrays.
    Arrays(StandardScaler),
}

impl Preparation {
    /// Standardisation of arrays of the shape `dims` to mean 0 and standard deviation 1, fitted to
    /// those `samples` that are in train.
    pub(crate) fn fitted(samples: &[&Sample], splits: &[Split], dims: &[usize]) -> Option<Self> {
        let pairs = samples.iter().zip(splits);
        let training = pairs.filter_map(|(sample, split)| match (&sample.content, split) {
            (Content::Values(values), Split::Train) => Some(values.as_slice()),
            _ => None,
        });
        fit_scaler(training, dims).map(Preparation::Arrays)
    }

    /// Shape of a prepared sample.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Preparation::Images(images) => {
                vec![3, images.height as usize, images.width as usize]
            }
            Preparation::Arrays(scaler) => scaler.dims.clone(),
        }
    }

    /// Prepared samples as one input.
    pub fn batch(&self, rows: &[Vec<f32>]) -> Array {
        Array {
            dims: [vec![rows.len()], self.dims()].concat(),
            values: rows.concat(),
        }
    }

    /// The sample as it is.
    ///
    /// # Errors
    /// Its image cannot be read.
    pub fn clean(&self, sample: &Sample) -> Result<Vec<f32>> {
        match self {
            Preparation::Images(preprocessing) => {
                image(sample, |image| prepare(image, preprocessing))
            }
            Preparation::Arrays(scaler) => scaled(sample, scaler),
        }
    }

    /// One of the many views of the sample; arrays have one only.
    ///
    /// # Errors
    /// Its image cannot be read.
    pub fn view(
        &self,
        sample: &Sample,
        augmentation: &Augmentation,
        seed: u64,
        view: u64,
    ) -> Result<Vec<f32>> {
        match self {
            Preparation::Images(preprocessing) => image(sample, |image| {
                let mut rng = stream(seed, view, &sample.relative);
                augmented(image, preprocessing, augmentation, &mut rng)
            }),
            Preparation::Arrays(scaler) => scaled(sample, scaler),
        }
    }

    /// Stores in the model's metadata how its inputs are prepared.
    pub fn store(&self, graph: &mut Graph) {
        match self {
            Preparation::Images(preprocessing) => preprocessing.store(graph),
            Preparation::Arrays(scaler) => scaler.store(graph),
        }
    }
}

/// Decodes the image of a sample and applies `made` to it.
pub(crate) fn image<T>(
    sample: &Sample,
    made: impl FnOnce(&RgbImage) -> Result<T, String>,
) -> Result<T> {
    let Content::Image(path) = &sample.content else {
        return Err(Error::Stopped(format!("{} is no image", sample.relative)));
    };
    let bytes = std::fs::read(path).map_err(|source| edgefit_data::Error::Read {
        path: path.clone(),
        source,
    })?;
    let broken = |detail| edgefit_data::Error::Image {
        path: path.clone(),
        detail,
    };
    Ok(decode(&bytes)
        .and_then(|decoded| made(&decoded))
        .map_err(broken)?)
}

fn scaled(sample: &Sample, scaler: &StandardScaler) -> Result<Vec<f32>> {
    let Content::Values(values) = &sample.content else {
        return Err(Error::Stopped(format!("{} is an image", sample.relative)));
    };
    let mut values = values.clone();
    scaler.apply(&mut values);
    Ok(values)
}
