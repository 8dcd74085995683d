//! What is done to a sample before a model sees it.

use edgefit_data::{
    Augmentation, Content, RgbImage, Sample, Split, augmented, decode, fit_scaler, prepare,
    read_image, stream,
};
use edgefit_engine::Array;
use edgefit_graph::preprocessing::Layout;
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
    /// those `samples` that are in train: each channel by its own, or, where the channels come last, all
    /// values alike.
    pub(crate) fn fitted(
        samples: &[&Sample],
        splits: &[Split],
        dims: &[usize],
        layout: Layout,
    ) -> Option<Self> {
        let pairs = samples.iter().zip(splits);
        let training = pairs.filter_map(|(sample, split)| match (&sample.content, split) {
            (Content::Values(values), Split::Train) => Some(values.as_slice()),
            _ => None,
        });
        match layout {
            Layout::ChannelsFirst => fit_scaler(training, dims).map(Preparation::Arrays),
            Layout::ChannelsLast => {
                let all = fit_scaler(training, &[1, dims.iter().product()])?;
                let rows = dims.first().copied().unwrap_or(1);
                Some(Preparation::Arrays(StandardScaler {
                    dims: dims.to_vec(),
                    mean: all.mean.repeat(rows),
                    std: all.std.repeat(rows),
                }))
            }
        }
    }

    /// Arrays of the shape `dims` as they are.
    pub(crate) fn untouched(dims: &[usize]) -> Self {
        let channels = dims.first().copied().unwrap_or(1);
        Preparation::Arrays(StandardScaler {
            dims: dims.to_vec(),
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        })
    }

    /// Shape of a prepared sample.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Preparation::Images(images) => images.dims().to_vec(),
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
    let broken = |detail| edgefit_data::Error::Image {
        path: path.clone(),
        detail,
    };
    Ok(read_image(path)
        .and_then(|bytes| made(&decode(&bytes)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_pixels_are_no_channels() {
        // Two pixels of three colours each, one above the other.
        let sample = Sample {
            content: Content::Values(vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0]),
            relative: "0".into(),
            class: 0,
            targets: Vec::new(),
            split: None,
            group: None,
        };
        let fitted = |layout| {
            let fitted = Preparation::fitted(&[&sample], &[Split::Train], &[2, 1, 3], layout);
            fitted.unwrap().clean(&sample).unwrap()
        };
        let rows = fitted(Layout::ChannelsFirst);
        assert_eq!(rows[..3], rows[3..]);
        let pixels = fitted(Layout::ChannelsLast);
        assert!(
            pixels.is_sorted() && pixels[0] < 0.0 && pixels[5] > 0.0,
            "{pixels:?}"
        );
    }
}
