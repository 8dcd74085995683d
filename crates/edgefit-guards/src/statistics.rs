//! Shares with their errors, and what base's statistics lack for the guards.

use edgefit_base::statistics::Mean;
use serde::{Deserialize, Serialize};

/// A share that was counted on a number of samples, such as an accuracy.
///
/// ```
/// use edgefit_guards::Proportion;
/// let [network, baseline] = [0.90, 0.85].map(|share| Proportion::new(share, 50));
/// assert!(network.error_of_difference(baseline) > 0.05);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// 0 to 1.
    pub share: f64,
    /// Samples that it was counted on.
    pub samples: usize,
}

impl Proportion {
    /// A share of some samples.
    pub fn new(share: f64, samples: usize) -> Self {
        Proportion { share, samples }
    }

    /// Standard error of the difference of two shares, with a success and a failure added to each
    /// (Agresti & Caffo 2000, The American Statistician 54(4)), so that shares of 0 and 1 have one.
    pub fn error_of_difference(self, other: Proportion) -> f64 {
        (self.variance() + other.variance()).sqrt()
    }

    /// Of the share, with a success and a failure added.
    pub(crate) fn variance(self) -> f64 {
        let samples = self.samples as f64 + 2.0;
        let share = (self.share * self.samples as f64 + 1.0) / samples;
        share * (1.0 - share) / samples
    }

    /// This share minus the other, in standard errors of that difference.
    pub(crate) fn above(self, other: Proportion) -> f64 {
        (self.share - other.share) / self.error_of_difference(other)
    }
}

/// Standard errors of a difference that chance exceeds to one side once in twenty times.
pub(crate) const ONCE_IN_TWENTY: f64 = 1.645;

/// Share of the errors of a simple method that a better one must spare to be of use.
pub(crate) const SPARED: f64 = 0.25;

/// Whether a share, above another by `difference`, is no better than it: not by a standard `error` of the
/// difference, on so many samples that a gain of [`SPARED`] of its `errors` would have shown once in
/// twenty times at least. Few samples say nothing.
pub(crate) fn is_no_better(difference: f64, error: f64, errors: f64) -> bool {
    difference <= error && difference + ONCE_IN_TWENTY * error < SPARED * errors
}

/// Mean of some values; NaN of none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    mean_and_error(values).0
}

/// Mean of some values and its standard error; the error of fewer than two values is infinite.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    Mean::of(values).map_or((f64::NAN, f64::INFINITY), |mean| {
        (mean.mean, mean.standard_error().unwrap_or(f64::INFINITY))
    })
}

/// Spearman's rank correlation of pairs (1904), equal values with their mean rank; `None` where all
/// values of one side are equal.
pub(crate) fn rank_correlation(pairs: &[[f64; 2]]) -> Option<f64> {
    let ranks = |side: usize| -> Vec<f64> {
        let count =
            |holds: &dyn Fn(f64) -> bool| pairs.iter().filter(|pair| holds(pair[side])).count();
        let rank = |value: f64| {
            let below = count(&|other| other < value);
            let equal = count(&|other| other == value);
            below as f64 + equal as f64 / 2.0
        };
        pairs.iter().map(|pair| rank(pair[side])).collect()
    };
    let (first, second) = (ranks(0), ranks(1));
    let middle = pairs.len() as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let scale = (product(&first, &first) * product(&second, &second)).sqrt();
    (scale > 0.0).then(|| product(&first, &second) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_difference_is_that_of_two_proportions() {
        let many = Proportion::new(0.5, 100_000);
        let plain = (2.0f64 * 0.25 / 100_000.0).sqrt();
        assert!((many.error_of_difference(many) / plain - 1.0).abs() < 1e-3);
        let all = Proportion::new(1.0, 8);
        assert!(all.error_of_difference(all) > 0.1);
        assert!(all.above(Proportion::new(0.0, 8)) > 2.0);
    }

    #[test]
    fn few_samples_do_not_say_that_something_is_no_better() {
        assert!(is_no_better(0.0, 0.05, 0.5));
        assert!(!is_no_better(0.0, 0.2, 0.5));
        assert!(!is_no_better(0.06, 0.05, 0.9));
    }

    #[test]
    fn ranks_correlate_as_the_textbook_says() {
        let of = |pairs: &[[f64; 2]]| rank_correlation(pairs);
        assert_eq!(
            of(&[[1.0, 10.0], [2.0, 100.0], [3.0, f64::INFINITY]]),
            Some(1.0)
        );
        assert_eq!(of(&[[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]), Some(-1.0));
        // 1 − 6 Σd² / n(n² − 1), with d = 1, 1, 0, 0.
        let swapped = of(&[[1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 4.0]]);
        assert!((swapped.unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(of(&[[1.0, 2.0], [2.0, 2.0]]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn one_value_has_an_infinite_error() {
        assert_eq!(mean_and_error(&[1.0, 3.0]), (2.0, 1.0));
        assert_eq!(mean_and_error(&[1.0]), (1.0, f64::INFINITY));
        assert!(mean(&[]).is_nan());
    }
}
