//! How like itself an augmented image is to the backbone (EF15).

use edgefit_engine::Copies;
use edgefit_guards::ef15_augmentation::Similarities;

use crate::error::Result;
use crate::guards::evidence::Evidence;
use crate::prepare::model::Model;

/// Images whose augmented features are compared with their own.
const IMAGES: usize = 32;

impl Evidence<'_> {
    /// How like itself an augmented image is to the backbone, and how like images of other classes
    /// (EF15).
    pub(super) fn similarities(&self, model: &Model) -> Result<Similarities> {
        let train = &self.splits.train;
        let augmentation = self.job.strongest_augmentation();
        let step = train.samples.len().div_ceil(IMAGES).max(1);
        let some: Vec<usize> = (0..train.samples.len()).step_by(step).collect();
        let clean = train.features();
        let row = |at: usize| &clean.view(0)[at * clean.width()..(at + 1) * clean.width()];
        let backbone = model.head.backbone(&model.graph)?;
        let copies = Copies::new(self.engine, &backbone, self.job.threads);
        let to_itself = copies.map(&some, |&at| -> Result<f64> {
            let sample = train.samples[at];
            let view = model
                .preparation
                .view(sample, &augmentation, self.job.recipe.seed, 1)?;
            let made = copies.run(&[model.preparation.batch(&[view])])?;
            let features: Vec<f32> = made.into_iter().flat_map(|array| array.values).collect();
            Ok(cosine(&features, row(at)))
        });
        let to_itself = to_itself.into_iter().collect::<Result<_>>()?;
        let pairs = some.iter().enumerate();
        let pairs = pairs.flat_map(|(nth, &a)| some[nth + 1..].iter().map(move |&b| (a, b)));
        let to_other_classes = pairs
            .filter(|(a, b)| train.samples[*a].class != train.samples[*b].class)
            .map(|(a, b)| cosine(row(a), row(b)))
            .collect();
        Ok(Similarities {
            to_itself,
            to_other_classes,
        })
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b);
        products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
