use serde::Serialize;

/// A share that was counted on a number of samples, such as an accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
        let variance = |proportion: Proportion| {
            let samples = proportion.samples as f64 + 2.0;
            let share = (proportion.share * proportion.samples as f64 + 1.0) / samples;
            share * (1.0 - share) / samples
        };
        (variance(self) + variance(other)).sqrt()
    }

    /// This share minus the other, in standard errors of that difference.
    pub(crate) fn above(self, other: Proportion) -> f64 {
        (self.share - other.share) / self.error_of_difference(other)
    }
}

/// The middle value; none of no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 0 => Some((values[middle - 1] + values[middle]) / 2.0),
        _ => Some(values[middle]),
    }
}

/// Mean of some values and its standard error; the error of fewer than two values is infinite.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    match values.len() {
        0 | 1 => (mean, f64::INFINITY),
        _ => (mean, (squares / (count - 1.0) / count).sqrt()),
    }
}

/// Spearman's rank correlation of pairs (1904), equal values with their mean rank; none where either
/// side is all alike.
pub(crate) fn rank_correlation(pairs: &[[f64; 2]]) -> Option<f64> {
    let ranks = |side: usize| -> Vec<f64> {
        let count =
            |holds: &dyn Fn(f64) -> bool| pairs.iter().filter(|pair| holds(pair[side])).count();
        let rank = |value: f64| {
            let below = count(&|other| other < value);
            let alike = count(&|other| other == value);
            below as f64 + alike as f64 / 2.0
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
    fn medians_and_means() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
        assert_eq!(mean(&[1.0, 3.0]), (2.0, 1.0));
    }
}
