//! How good a classifier is.

use edgefit_engine::parity::argmax;
use serde::Serialize;

/// Figures of a classifier on a labelled set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Number of samples.
    pub samples: usize,
    /// Share of samples whose most likely class is the right one.
    pub accuracy: f64,
    /// 95 % interval of the accuracy: Wilson's score interval (Brown, Cai & DasGupta 2001,
    /// Interval Estimation for a Binomial Proportion, section 3.1.1).
    pub accuracy_interval: [f64; 2],
    /// Mean over the classes of the share that was recognised.
    pub balanced_accuracy: f64,
    /// Mean over the classes of 2·TP / (2·TP + FP + FN).
    pub macro_f1: f64,
    /// `confusion[truth][prediction]`, in samples.
    pub confusion: Vec<Vec<usize>>,
}

/// Standard normal quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

impl Metrics {
    /// Figures of `logits` (samples × classes, row-major) against the true `labels`.
    pub fn of(logits: &[f32], labels: &[usize], classes: usize) -> Self {
        let predictions: Vec<usize> = logits.chunks(classes.max(1)).map(argmax).collect();
        Metrics::of_predictions(&predictions, labels, classes)
    }

    /// Figures of predicted classes against the true `labels`.
    pub fn of_predictions(predictions: &[usize], labels: &[usize], classes: usize) -> Self {
        let mut confusion = vec![vec![0; classes]; classes];
        for (&prediction, &label) in predictions.iter().zip(labels) {
            confusion[label][prediction] += 1;
        }
        let hits = |class: usize| confusion[class][class] as f64;
        let truths = |class: usize| confusion[class].iter().sum::<usize>() as f64;
        let predicted = |class: usize| confusion.iter().map(|row| row[class]).sum::<usize>() as f64;
        // A class without samples says nothing about recall.
        let present: Vec<usize> = (0..classes).filter(|&class| truths(class) > 0.0).collect();
        let mean = |figure: &dyn Fn(usize) -> f64| {
            let sum: f64 = present.iter().map(|&class| figure(class)).sum();
            sum / present.len().max(1) as f64
        };
        let correct: f64 = (0..classes).map(hits).sum();
        let samples = labels.len();
        Metrics {
            samples,
            accuracy: correct / samples.max(1) as f64,
            accuracy_interval: wilson(correct, samples as f64),
            balanced_accuracy: mean(&|class| hits(class) / truths(class)),
            macro_f1: mean(&|class| 2.0 * hits(class) / (truths(class) + predicted(class))),
            confusion,
        }
    }
}

fn wilson(successes: f64, trials: f64) -> [f64; 2] {
    if trials == 0.0 {
        return [0.0, 1.0];
    }
    let share = successes / trials;
    let centre = (share + Z * Z / (2.0 * trials)) / (1.0 + Z * Z / trials);
    let spread = Z / (1.0 + Z * Z / trials)
        * (share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
    [(centre - spread).max(0.0), (centre + spread).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_confusion() {
        let metrics = Metrics::of_predictions(&[0, 0, 1, 1, 0], &[0, 0, 0, 1, 1], 3);
        assert_eq!(metrics.confusion, [[2, 1, 0], [1, 1, 0], [0, 0, 0]]);
        assert!((metrics.accuracy - 0.6).abs() < 1e-12);
        assert!((metrics.balanced_accuracy - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        assert!((metrics.macro_f1 - (4.0 / 6.0 + 0.5) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_interval_is_wilsons() {
        // With no successes it is [0, z² / (n + z²)], with nothing but successes its mirror image,
        // and around one half it is symmetric.
        let bound = Z * Z / (10.0 + Z * Z);
        let [low, high] = wilson(0.0, 10.0);
        assert!(low == 0.0 && (high - bound).abs() < 1e-12);
        let [low, high] = wilson(10.0, 10.0);
        assert!((low - (1.0 - bound)).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
        let [low, high] = wilson(20.0, 40.0);
        assert!((low + high - 1.0).abs() < 1e-12 && low > 0.35 && low < 0.36);
        assert_eq!(wilson(0.0, 0.0), [0.0, 1.0]);
    }
}
