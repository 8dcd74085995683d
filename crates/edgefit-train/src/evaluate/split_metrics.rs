//! Metrics of predictions about the samples of a split.

use crate::evaluate::metrics::{Classification, Metrics, MultiLabel, Regression};
use crate::prepare::split::SplitSamples;
use crate::prepare::target_transform::TargetTransform;

/// Metrics of a model's `predictions` (samples × outputs, row-major) about the samples of a split.
pub(crate) fn metrics(
    transform: &TargetTransform,
    predictions: &[f32],
    split: &SplitSamples,
) -> Metrics {
    match transform {
        TargetTransform::Classes { weights, .. } => {
            let labels = split.labels();
            Metrics::Classification(Classification::of(predictions, &labels, weights.len()))
        }
        TargetTransform::MultiLabel { bias } => {
            Metrics::MultiLabel(MultiLabel::of(predictions, &split.targets(), bias.len()))
        }
        TargetTransform::Regression(scaler) => {
            let targets = scaler.mean.len();
            Metrics::Regression(Regression::of(predictions, &split.targets(), targets))
        }
    }
}
