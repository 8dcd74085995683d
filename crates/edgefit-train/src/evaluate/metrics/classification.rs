//! Figures of a classifier.

use edgefit_base::statistics::{argmax, probabilities};
use serde::{Deserialize, Serialize};

use crate::evaluate::metrics::bootstrap::Bootstrap;
use crate::evaluate::metrics::class_figures::ClassFigures;
use crate::evaluate::metrics::scores;
use crate::evaluate::metrics::tally::Tally;
use crate::evaluate::metrics::wilson::wilson;

/// Figures of a classifier: every sample has one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Number of samples.
    pub samples: usize,
    /// Share of samples whose most likely class is the true one.
    pub accuracy: f64,
    /// 95 % interval of the accuracy: Wilson's score interval (Brown, Cai & DasGupta 2001,
    /// Interval Estimation for a Binomial Proportion, section 3.1.1).
    pub accuracy_interval: [f64; 2],
    /// Mean over the classes of the share that was recognised.
    pub balanced_accuracy: f64,
    /// Mean over the classes of 2·TP / (2·TP + FP + FN).
    pub macro_f1: f64,
    /// 95 % intervals of the figures above, by drawing the samples anew.
    pub bootstrap: Bootstrap,
    /// Share of samples whose class is among the five most likely; `None` where there are five
    /// classes or fewer, or the classifier gives no scores.
    pub top5_accuracy: Option<f64>,
    /// Area under the curve of true over false positives, each class against the rest, mean over the
    /// classes (Fawcett 2006, An introduction to ROC analysis, section 9.2).
    pub roc_auc: Option<f64>,
    /// Expected calibration error over 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599,
    /// section 2): how far confidence and accuracy are apart.
    pub calibration_error: Option<f64>,
    /// Figures of each class.
    pub per_class: Vec<ClassFigures>,
    /// `confusion[truth][prediction]`, in samples.
    pub confusion: Vec<Vec<usize>>,
}

impl Classification {
    /// Figures of `outputs` (samples × classes, row-major), logits or probabilities, against the true
    /// `labels`.
    ///
    /// ```
    /// use edgefit_train::evaluate::metrics::Classification;
    ///
    /// let logits = [2.0, 0.0, 1.0, 3.0, 0.5, 0.0];
    /// let metrics = Classification::of(&logits, &[0, 1, 1], 2);
    /// assert_eq!(metrics.confusion, [[1, 0], [1, 1]]);
    /// assert!((metrics.accuracy - 2.0 / 3.0).abs() < 1e-12);
    /// ```
    pub fn of(outputs: &[f32], labels: &[usize], classes: usize) -> Self {
        let rows: Vec<&[f32]> = outputs.chunks(classes.max(1)).collect();
        let predictions: Vec<usize> = rows.iter().map(|row| argmax(row)).collect();
        let probabilities: Vec<Vec<f64>> = rows.iter().map(|row| probabilities(row)).collect();
        Classification {
            top5_accuracy: (classes > 5).then(|| scores::top_k(&rows, labels, 5)),
            roc_auc: scores::roc_auc(&probabilities, labels, classes),
            calibration_error: scores::calibration_error(&probabilities, labels),
            ..Classification::of_predictions(&predictions, labels, classes)
        }
    }

    /// Figures of predicted classes against the true `labels`.
    pub fn of_predictions(predictions: &[usize], labels: &[usize], classes: usize) -> Self {
        let pairs: Vec<(usize, usize)> = labels
            .iter()
            .copied()
            .zip(predictions.iter().copied())
            .collect();
        let mut confusion = vec![vec![0; classes]; classes];
        for &(label, prediction) in &pairs {
            confusion[label][prediction] += 1;
        }
        let tally = Tally::of(pairs.iter().copied(), classes);
        Classification {
            samples: labels.len(),
            accuracy: tally.accuracy(),
            accuracy_interval: wilson(tally.correct() as f64, labels.len() as f64),
            balanced_accuracy: tally.balanced_accuracy(),
            macro_f1: tally.macro_f1(),
            bootstrap: Bootstrap::of(&pairs, classes),
            top5_accuracy: None,
            roc_auc: None,
            calibration_error: None,
            per_class: (0..classes).map(|class| tally.class(class)).collect(),
            confusion,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_confusion() {
        let metrics = Classification::of_predictions(&[0, 0, 1, 1, 0], &[0, 0, 0, 1, 1], 3);
        assert_eq!(metrics.confusion, [[2, 1, 0], [1, 1, 0], [0, 0, 0]]);
        assert!((metrics.accuracy - 0.6).abs() < 1e-12);
        assert!((metrics.balanced_accuracy - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        assert!((metrics.macro_f1 - (4.0 / 6.0 + 0.5) / 2.0).abs() < 1e-12);
        let [first, second, third] = metrics.per_class[..] else {
            panic!("three classes");
        };
        assert_eq!((first.samples, second.samples, third.samples), (3, 2, 0));
        assert!((first.precision - 2.0 / 3.0).abs() < 1e-12);
        assert!((second.recall - 0.5).abs() < 1e-12);
        assert_eq!((third.precision, third.recall, third.f1), (0.0, 0.0, 0.0));
        assert_eq!(metrics.roc_auc, None);
    }

    #[test]
    fn outputs_say_more_than_predictions() {
        let outputs = [3.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 1.0, 5.0];
        let metrics = Classification::of(&outputs, &[0, 1, 2], 3);
        assert_eq!((metrics.accuracy, metrics.roc_auc), (1.0, Some(1.0)));
        assert_eq!(metrics.top5_accuracy, None);
        assert!(metrics.calibration_error.is_some_and(|error| error > 0.0));
    }
}
