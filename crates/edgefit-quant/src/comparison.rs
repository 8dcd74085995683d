//! [`Comparison`]: what quantisation changed of a model's outputs, and of its accuracy by a paired test.

use edgefit_base::statistics::{argmax, binomial_tail};
use serde::Serialize;

use crate::outputs::Outputs;

/// Chance of an error that a test may have.
const SIGNIFICANCE: f64 = 0.05;

/// Outputs of a quantised model against those of its float model, on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many samples.
    pub samples: usize,
    /// Signal to quantisation noise of the outputs in dB: 10 · log₁₀(Σ f² / Σ (q − f)²), each output
    /// taken relative to its mean over the samples, as an offset that all have carries nothing.
    pub sqnr_db: f64,
    /// Mean cosine of the angle between both rows of a sample.
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

/// What a paired test says of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// More was lost, beyond chance.
    Exceeded,
    /// Less was lost, beyond chance.
    Kept,
    /// There are too few samples to tell.
    Open,
}

impl Comparison {
    /// Compares both outputs; `labels` has the class of each sample where it is known, and is given for
    /// classifiers only.
    pub fn of(float: &Outputs, quantized: &Outputs, labels: Option<&[Option<usize>]>) -> Self {
        let pairs = || float.rows.iter().zip(&quantized.rows);
        let samples = pairs().count();
        let classes = |row: &[f32], outputs: &Outputs| argmax(&row[..outputs.first.min(row.len())]);
        let agreeing = |(f, q): &(&Vec<f32>, &Vec<f32>)| classes(f, float) == classes(q, quantized);
        let agreement = labels.map(|_| pairs().filter(agreeing).count() as f64 / samples as f64);
        let accuracy = labels.and_then(|labels| {
            let judged: Vec<(bool, bool)> = pairs()
                .zip(labels)
                .filter_map(|((f, q), label)| {
                    let label = (*label)?;
                    Some((classes(f, float) == label, classes(q, quantized) == label))
                })
                .collect();
            Accuracy::of(&judged)
        });
        Comparison {
            samples,
            sqnr_db: sqnr(&float.rows, &quantized.rows),
            cosine: pairs().map(|(f, q)| cosine(f, q)).sum::<f64>() / samples as f64,
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
        let n = samples as f64;
        let lost = only_float as f64 - only_quantized as f64;
        let discordant = (only_float + only_quantized) as f64;
        (samples > 0).then(|| Accuracy {
            float: count(&|j| j.0) as f64 / n,
            quantized: count(&|j| j.1) as f64 / n,
            samples,
            only_float,
            only_quantized,
            drop: 100.0 * lost / n,
            standard_error: 100.0 * (discordant - lost * lost / n).max(0.0).sqrt() / n,
        })
    }

    /// Whether more than `points` were lost, at 5 %: of the samples on which the models differ, how many
    /// only the float model gets right is binomial (McNemar 1947), and if `points` of all samples are lost,
    /// that many more of them than the other way round.
    pub fn decide(&self, points: f64) -> Decision {
        let discordant = self.only_float + self.only_quantized;
        let expected = points / 100.0 * self.samples as f64;
        if discordant == 0 {
            // With no difference in n samples, more than 3 / n of all differ with a chance of 5 %.
            return if expected >= 3.0 {
                Decision::Kept
            } else {
                Decision::Open
            };
        }
        let share = (1.0 + expected / discordant as f64) / 2.0;
        if share < 1.0 && binomial_tail(self.only_float, discordant, share) < SIGNIFICANCE {
            return Decision::Exceeded;
        }
        let fewer = binomial_tail(self.only_quantized, discordant, 1.0 - share.min(1.0));
        let is_kept = if share < 1.0 {
            fewer < SIGNIFICANCE
        } else {
            // Even if all that differ were lost, it would be less; but they may be few by chance.
            expected >= discordant as f64 + 2.0 * (discordant as f64).sqrt() + 3.0
        };
        if is_kept {
            Decision::Kept
        } else {
            Decision::Open
        }
    }
}

/// Signal to noise in dB; infinite where nothing differs.
fn sqnr(float: &[Vec<f32>], quantized: &[Vec<f32>]) -> f64 {
    let width = float.first().map_or(0, Vec::len);
    let mut means = vec![0f64; width];
    for row in float {
        for (mean, value) in means.iter_mut().zip(row) {
            *mean += f64::from(*value) / float.len() as f64;
        }
    }
    // One sample has no spread: then the outputs are taken as they are.
    if float.len() < 2 {
        means.fill(0.0);
    }
    let (mut signal, mut noise) = (0f64, 0f64);
    for (f, q) in float.iter().zip(quantized) {
        for ((f, q), mean) in f.iter().zip(q).zip(&means) {
            signal += (f64::from(*f) - mean).powi(2);
            noise += (f64::from(*q) - f64::from(*f)).powi(2);
        }
    }
    if noise.is_finite() {
        10.0 * (signal / noise).log10()
    } else {
        f64::NEG_INFINITY
    }
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

    fn accuracy(only_float: usize, only_quantized: usize, same: usize) -> Accuracy {
        let mut judged = vec![(true, false); only_float];
        judged.extend(vec![(false, true); only_quantized]);
        judged.extend(vec![(true, true); same]);
        Accuracy::of(&judged).unwrap()
    }

    #[test]
    fn discordant_samples_decide() {
        // 433 of 10,000 lost.
        let bad = accuracy(900, 467, 8633);
        assert!((bad.drop - 4.33).abs() < 1e-9);
        assert_eq!(bad.decide(0.5), Decision::Exceeded);
        assert_eq!(bad.decide(6.0), Decision::Kept);
        // 14 of 10,000, with a standard error of 17.
        let good = accuracy(150, 136, 9714);
        assert!((good.standard_error - 0.169).abs() < 0.001, "{good:?}");
        assert_eq!(good.decide(0.5), Decision::Kept);
        assert_eq!(good.decide(0.1), Decision::Open);
        // One of 44 may be chance, and 44 cannot show that less than half a point is lost.
        assert_eq!(accuracy(1, 0, 43).decide(0.5), Decision::Open);
        assert_eq!(accuracy(0, 0, 44).decide(0.5), Decision::Open);
        assert_eq!(accuracy(0, 0, 4400).decide(0.5), Decision::Kept);
        assert_eq!(accuracy(12, 0, 43).decide(0.5), Decision::Exceeded);
    }

    #[test]
    fn noise_is_measured_against_what_varies() {
        let outputs = |rows: &[[f32; 2]]| Outputs {
            rows: rows.iter().map(|row| row.to_vec()).collect(),
            first: 2,
        };
        let float = outputs(&[[101.0, 0.0], [99.0, 0.0]]);
        let quantized = outputs(&[[101.1, 0.0], [99.1, 0.0]]);
        let labels = [Some(0), None];
        let compared = Comparison::of(&float, &quantized, Some(&labels));
        assert!((compared.sqnr_db - 20.0).abs() < 0.01, "{compared:?}");
        assert_eq!(compared.agreement, Some(1.0));
        assert_eq!(compared.accuracy.unwrap().samples, 1);
        let same = Comparison::of(&float, &float, None);
        assert_eq!((same.sqnr_db, same.agreement), (f64::INFINITY, None));
    }
}
