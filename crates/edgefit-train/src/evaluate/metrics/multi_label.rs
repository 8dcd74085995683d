//! Figures of a model of labels.

use edgefit_data::LABEL_THRESHOLD;
use serde::Serialize;

use crate::evaluate::metrics::bootstrap::interval_of;
use crate::evaluate::metrics::scores::auc;
use crate::evaluate::metrics::tally::share;
use crate::evaluate::metrics::wilson::wilson;

/// Figures of a model whose samples have any number of labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultiLabel {
    /// Number of samples.
    pub samples: usize,
    /// Share of samples of which every label is right.
    pub accuracy: f64,
    /// 95 % interval of the accuracy, Wilson's.
    pub accuracy_interval: [f64; 2],
    /// Share of all labels of all samples that is right.
    pub label_accuracy: f64,
    /// Mean over the labels of the mean of the shares of samples with and without it that are
    /// recognised.
    pub balanced_accuracy: f64,
    /// Mean over the labels of 2·TP / (2·TP + FP + FN).
    pub macro_f1: f64,
    /// 95 % interval of the macro F1, by drawing the samples anew.
    pub macro_f1_interval: [f64; 2],
    /// Area under the curve of true over false positives, mean over the labels.
    pub roc_auc: Option<f64>,
    /// Figures of each label.
    pub per_label: Vec<LabelFigures>,
}

/// Figures of one label. A share of nothing is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelFigures {
    /// Samples that have it.
    pub samples: usize,
    /// Share of what was given it that has it.
    pub precision: f64,
    /// Share of what has it that was given it.
    pub recall: f64,
    /// Share of what does not have it that was not given it.
    pub specificity: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

impl MultiLabel {
    /// Figures of `probabilities` against the `truth` of 0 and 1, both samples × labels, row-major.
    pub fn of(probabilities: &[f32], truth: &[f32], labels: usize) -> Self {
        let labels = labels.max(1);
        let rows: Vec<Row> = probabilities
            .chunks(labels)
            .zip(truth.chunks(labels))
            .collect();
        let samples = rows.len();
        let per_label = figures(&rows, labels);
        let right =
            |(made, wanted): &Row| made.iter().zip(*wanted).all(|(m, w)| given(m) == has(w));
        let accuracy = share(rows.iter().filter(|row| right(row)).count(), samples);
        let pairs = probabilities.iter().zip(truth);
        let single = pairs.filter(|(made, wanted)| given(made) == has(wanted));
        let mean = |figure: &dyn Fn(&LabelFigures) -> f64| {
            per_label.iter().map(figure).sum::<f64>() / labels as f64
        };
        let areas = (0..labels).filter_map(|label| {
            let scores = rows
                .iter()
                .map(|(made, wanted)| (f64::from(made[label]), has(&wanted[label])));
            auc(scores.collect())
        });
        let areas: Vec<f64> = areas.collect();
        MultiLabel {
            samples,
            accuracy,
            accuracy_interval: wilson(accuracy * samples as f64, samples as f64),
            label_accuracy: share(single.count(), truth.len()),
            balanced_accuracy: mean(&|of| (of.recall + of.specificity) / 2.0),
            macro_f1: mean(&|of| of.f1),
            macro_f1_interval: interval_of(&rows, |rows| {
                let figures = figures(rows, labels);
                figures.iter().map(|of| of.f1).sum::<f64>() / labels as f64
            }),
            roc_auc: (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64),
            per_label,
        }
    }
}

/// What was made of a sample, and what is true of it.
type Row<'a> = (&'a [f32], &'a [f32]);

fn given(probability: &f32) -> bool {
    *probability > LABEL_THRESHOLD
}

fn has(truth: &f32) -> bool {
    *truth > 0.5
}

fn figures(rows: &[Row], labels: usize) -> Vec<LabelFigures> {
    let of = |label: usize| {
        // Samples by whether they have the label, and were given it.
        let mut counts = [[0usize; 2]; 2];
        for (made, wanted) in rows {
            counts[usize::from(has(&wanted[label]))][usize::from(given(&made[label]))] += 1;
        }
        let [[neither, wrongly], [missed, hits]] = counts;
        LabelFigures {
            samples: missed + hits,
            precision: share(hits, hits + wrongly),
            recall: share(hits, hits + missed),
            specificity: share(neither, neither + wrongly),
            f1: share(2 * hits, 2 * hits + wrongly + missed),
        }
    };
    (0..labels).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_two_labels() {
        // Label 0: one hit, one missed, two neither. Label 1: two hits, one wrongly, one neither.
        let made = [0.9, 0.8, 0.1, 0.7, 0.2, 0.6, 0.3, 0.1];
        let truth = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let of = MultiLabel::of(&made, &truth, 2);
        assert_eq!((of.samples, of.accuracy, of.label_accuracy), (4, 0.5, 0.75));
        let [a, b] = of.per_label[..] else {
            panic!("two labels");
        };
        assert_eq!((a.precision, a.recall, a.specificity), (1.0, 0.5, 1.0));
        assert_eq!((b.samples, b.recall, b.specificity), (2, 1.0, 0.5));
        assert!((of.macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-12);
        // Label 0 loses the pairs of 0.1 with 0.2 and 0.3, label 1 none.
        assert_eq!(of.roc_auc, Some((0.5 + 1.0) / 2.0));
        let [low, high] = of.macro_f1_interval;
        assert!(low <= of.macro_f1 && of.macro_f1 <= high);
    }
}
