//! Some images of a dataset at the sizes of models.

use edgefit_data::{Dataset, RgbImage, Sample, resized};
use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::Fit;
use rayon::prelude::*;

use crate::prepare::preparation::image;

/// Images at the size of a model's input, kept while the ways to prepare them differ in the values alone.
pub(crate) struct SomeImages<'a> {
    dataset: &'a Dataset,
    kept: Vec<(Resizing, Vec<RgbImage>)>,
}

/// Which images, and what decides how they are cut out and resized.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Resizing {
    most: usize,
    size: [u32; 2],
    fit: Fit,
}

impl<'a> SomeImages<'a> {
    pub fn of(dataset: &'a Dataset) -> Self {
        let kept = Vec::new();
        SomeImages { dataset, kept }
    }

    /// `most` at most, spread over all of the dataset, at the size that `preprocessing` gives them; those that cannot
    /// be read are left out.
    pub fn resized(&mut self, preprocessing: &Preprocessing, most: usize) -> &[RgbImage] {
        let resizing = Resizing {
            most,
            size: [preprocessing.width, preprocessing.height],
            fit: preprocessing.fit,
        };
        let known = self.kept.iter().position(|(known, _)| *known == resizing);
        let at = known.unwrap_or_else(|| {
            self.kept.retain(|(known, _)| known.most != most);
            self.kept.push((resizing, self.read(preprocessing, most)));
            self.kept.len() - 1
        });
        &self.kept[at].1
    }

    fn read(&self, preprocessing: &Preprocessing, most: usize) -> Vec<RgbImage> {
        let samples = &self.dataset.samples;
        let step = samples.len().div_ceil(most).max(1);
        let some: Vec<&Sample> = samples.iter().step_by(step).collect();
        some.par_iter()
            .filter_map(|sample| image(sample, |image| resized(image, preprocessing)).ok())
            .collect()
    }
}
