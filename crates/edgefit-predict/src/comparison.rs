//! [`Comparison`]: what a change of a model did to its outputs, and to its accuracy by a paired test.

use edgefit_base::statistics::{Decision, Paired, argmax, is_right};
use serde::Serialize;

use crate::outputs::Outputs;

/// Outputs of a quantised model against those of its float model, on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many samples.
    pub samples: usize,
    /// Signal to quantisation noise of the outputs in dB: 10 · log₁₀(Σ f² / Σ (q − f)²).
    pub sqnr_db: f64,
    /// Mean cosine of the angle between both rows of a sample; of rows of one number, the cosine over all samples.
    pub cosine: f64,
    /// Share of the samples whose largest output is the same; of classifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Of classifiers, where labels are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

/// Accuracy of both models on the same labelled samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Accuracy {
    /// Of the float model.
    pub float: f64,
    /// Of the quantised model.
    pub quantized: f64,
    /// Labelled samples.
    pub samples: usize,
    /// Samples that only the float model gets right.
    pub only_float: usize,
    /// Samples that only the quantised model gets right.
    pub only_quantized: usize,
    /// Points lost: 100 · (float − quantised).
    pub drop: f64,
    /// Standard error of `drop`, paired.
    pub standard_error: f64,
}

impl Comparison {
    /// Compares both outputs; `labels` has the class of each sample where it is known, and is given for
    /// classifiers only. A single number is no choice between classes, and a label beyond the outputs is none.
    pub fn of(float: &Outputs, quantized: &Outputs, labels: Option<&[Option<usize>]>) -> Self {
        let labels = labels.filter(|_| float.first > 1);
        let pairs = || float.rows.iter().zip(&quantized.rows);
        let samples = pairs().count();
        let agreeing = |(f, q): &(&Vec<f32>, &Vec<f32>)| {
            argmax(first(float, f)) == argmax(first(quantized, q))
        };
        let agreement = labels.map(|_| pairs().filter(agreeing).count() as f64 / samples as f64);
        let accuracy = labels.and_then(|labels| {
            let judged: Vec<(bool, bool)> = pairs()
                .zip(labels)
                .filter_map(|((f, q), label)| {
                    let label = (*label)?;
                    is_right(first(float, f), label).zip(is_right(first(quantized, q), label))
                })
                .collect();
            Accuracy::of(&judged)
        });
        Comparison {
            samples,
            sqnr_db: sqnr(&float.rows, &quantized.rows),
            cosine: mean_cosine(&float.rows, &quantized.rows),
            agreement,
            accuracy,
        }
    }
}

impl Accuracy {
    /// From which of both models is right on each sample. `None` without samples.
    fn of(judged: &[(bool, bool)]) -> Option<Self> {
        let count = |of: &dyn Fn(&(bool, bool)) -> bool| judged.iter().filter(|j| of(j)).count();
        let samples = judged.len();
        let only_float = count(&|j| j.0 && !j.1);
        let only_quantized = count(&|j| !j.0 && j.1);
        let paired = Paired {
            samples,
            lost: only_float,
            gained: only_quantized,
        };
        let share = |count: usize| count as f64 / samples as f64;
        (samples > 0).then(|| Accuracy {
            float: share(count(&|j| j.0)),
            quantized: share(count(&|j| j.1)),
            samples,
            only_float,
            only_quantized,
            drop: 100.0 * paired.loss(),
            standard_error: 100.0 * paired.standard_error(),
        })
    }

    /// Whether more than `points` were lost, by a paired test.
    pub fn decide(&self, points: f64) -> Decision {
        let paired = Paired {
            samples: self.samples,
            lost: self.only_float,
            gained: self.only_quantized,
        };
        paired.decide(points / 100.0)
    }
}

/// What of a row is of the first output.
fn first<'r>(outputs: &Outputs, row: &'r [f32]) -> &'r [f32] {
    &row[..outputs.first.min(row.len())]
}

/// Signal to noise in dB; infinite where nothing differs.
fn sqnr(float: &[Vec<f32>], quantized: &[Vec<f32>]) -> f64 {
    let (mut signal, mut noise) = (0f64, 0f64);
    for (f, q) in float.iter().flatten().zip(quantized.iter().flatten()) {
        signal += f64::from(*f).powi(2);
        noise += (f64::from(*q) - f64::from(*f)).powi(2);
    }
    if noise.is_finite() {
        10.0 * (signal / noise).log10()
    } else {
        f64::NEG_INFINITY
    }
}

/// Mean over the samples. Of a single number the angle is only a sign, so such samples are one vector together.
fn mean_cosine(float: &[Vec<f32>], quantized: &[Vec<f32>]) -> f64 {
    if float.iter().all(|row| row.len() == 1) {
        return cosine(&float.concat(), &quantized.concat());
    }
    let cosines = float.iter().zip(quantized).map(|(f, q)| cosine(f, q));
    cosines.sum::<f64>() / float.len() as f64
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_compared_sample_by_sample() {
        let outputs = |rows: &[[f32; 2]]| Outputs {
            rows: rows.iter().map(|row| row.to_vec()).collect(),
            first: 2,
        };
        let float = outputs(&[[1.0, 0.0], [-1.0, 0.0]]);
        let quantized = outputs(&[[1.1, 0.0], [-0.9, 0.0]]);
        let labels = [Some(0), None];
        let compared = Comparison::of(&float, &quantized, Some(&labels));
        assert!((compared.sqnr_db - 20.0).abs() < 0.01, "{compared:?}");
        assert_eq!(compared.agreement, Some(1.0));
        assert_eq!(compared.accuracy.unwrap().samples, 1);
        let same = Comparison::of(&float, &float, None);
        assert_eq!((same.sqnr_db, same.agreement), (f64::INFINITY, None));
    }

    #[test]
    fn the_cosine_of_single_numbers_is_over_all_samples() {
        let outputs = |values: [f32; 2]| Outputs {
            rows: values.map(|value| vec![value]).to_vec(),
            first: 1,
        };
        let compared = Comparison::of(&outputs([1.0, 0.1]), &outputs([1.0, -0.1]), None);
        assert!((compared.cosine - 0.99 / 1.01).abs() < 1e-6, "{compared:?}");
    }

    #[test]
    fn what_names_no_class_has_no_accuracy() {
        let outputs = |row: [f32; 2], first| Outputs {
            rows: vec![row.to_vec()],
            first,
        };
        let compared = |first, label| {
            let (float, quantized) = (outputs([1.0, 0.0], first), outputs([9.0, 0.0], first));
            Comparison::of(&float, &quantized, Some(&[Some(label)]))
        };
        let single = compared(1, 0);
        assert_eq!((single.agreement, single.accuracy), (None, None));
        assert_eq!(compared(2, 2).accuracy, None);
        assert!(compared(2, 1).accuracy.is_some());
    }
}
