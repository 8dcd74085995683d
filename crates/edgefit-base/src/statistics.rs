//! Means, medians, quantiles and their errors.

mod binomial;
mod paired;

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal, StudentsT};
use statrs::statistics::Statistics;

pub use binomial::binomial_tail;
pub use paired::{Decision, Paired};

/// What a 95 % interval leaves out at each end.
const TAIL: f64 = 0.025;

/// Index of the largest value; the first of equals, and 0 of none.
///
/// ```
/// assert_eq!(edgefit_base::statistics::argmax(&[0.1, 0.7, 0.7]), 1);
/// ```
pub fn argmax(values: &[f32]) -> usize {
    let larger = |best: usize, index: usize| {
        if values[index] > values[best] {
            index
        } else {
            best
        }
    };
    (1..values.len()).fold(0, larger)
}

/// Whether the largest output of a sample is that of its class. `None` of a single number, which is no choice between
/// classes, and of a class beyond the outputs.
///
/// ```
/// use edgefit_base::statistics::is_right;
///
/// assert_eq!(is_right(&[0.2, 0.8], 1), Some(true));
/// assert_eq!((is_right(&[0.8], 0), is_right(&[0.2, 0.8], 2)), (None, None));
/// ```
pub fn is_right(outputs: &[f32], class: usize) -> Option<bool> {
    let is_judged = outputs.len() > 1 && class < outputs.len();
    is_judged.then(|| argmax(outputs) == class)
}

/// How many values there are, their sum and the sum of their squares, from which mean and variance of several parts follow.
pub fn power_sums(values: &[f32]) -> [f64; 3] {
    let mut sums = [values.len() as f64, 0.0, 0.0];
    for value in values.iter().copied().map(f64::from) {
        sums[1] += value;
        sums[2] += value * value;
    }
    sums
}

/// How far rounding to 32 bits may put a probability above 1.
const ROUNDING: f64 = 1e-3;

/// Step of the probabilities of an int8 model.
const STEP: f64 = 1.0 / 256.0;

/// Probabilities of classes: the row itself where it is a distribution, as of a model that ends in a
/// softmax, brought to the sum 1; else its softmax.
///
/// A quantised softmax rounds each probability to a multiple of 1/256, of which 255 is the largest, so
/// that the sum may be off by half a step for each class, and a whole one.
///
/// ```
/// use edgefit_base::statistics::probabilities;
///
/// assert_eq!(probabilities(&[0.25, 0.75]), [0.25, 0.75]);
/// assert_eq!(probabilities(&[3.0, 3.0]), [0.5, 0.5]);
/// ```
pub fn probabilities(row: &[f32]) -> Vec<f64> {
    let values: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
    let sum: f64 = values.iter().sum();
    let off = STEP * (values.len() as f64 / 2.0 + 1.0);
    let is_probability = |value: &f64| (0.0..=1.0 + ROUNDING).contains(value);
    if sum > 0.0 && (sum - 1.0).abs() <= off && values.iter().all(is_probability) {
        return values.into_iter().map(|value| value / sum).collect();
    }
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = values.iter().map(|value| (value - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// A mean of independent values, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Number of values.
    pub count: usize,
    /// Sum by number.
    pub mean: f64,
    /// Unbiased variance of the values; `None` of a single one.
    pub variance: Option<f64>,
}

impl Mean {
    /// That of `values`; `None` of nothing.
    ///
    /// ```
    /// let mean = edgefit_base::statistics::Mean::of(&[1.0, 3.0]).unwrap();
    /// assert_eq!((mean.mean, mean.standard_error()), (2.0, Some(1.0)));
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        (count > 0).then(|| Mean {
            count,
            mean: values.iter().sum::<f64>() / count as f64,
            variance: (count > 1).then(|| values.variance()),
        })
    }

    /// Standard error of the mean; `None` of a single value.
    pub fn standard_error(&self) -> Option<f64> {
        Some((self.variance? / self.count as f64).sqrt())
    }

    /// Half of its 95 % interval, by Student's distribution; `None` of a single value.
    pub fn half_interval(&self) -> Option<f64> {
        Some(student(self.count as f64 - 1.0) * self.standard_error()?)
    }
}

/// The 97.5 % quantile of Student's distribution with so many degrees of freedom.
pub fn student(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - TAIL))
}

/// Probability that a standard normal variable is above `x`.
///
/// ```
/// assert_eq!(edgefit_base::statistics::normal_tail(0.0), 0.5);
/// ```
pub fn normal_tail(x: f64) -> f64 {
    Normal::standard().sf(x)
}

/// The middle value, or the mean of the two middle ones; `None` of nothing.
///
/// ```
/// assert_eq!(edgefit_base::statistics::median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
/// ```
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some((values[(values.len() - 1) / 2] + upper) / 2.0)
}

/// The smallest of the sorted values that a share `q` of them does not exceed (type 1 of Hyndman &
/// Fan 1996); `None` of nothing.
///
/// ```
/// assert_eq!(edgefit_base::statistics::quantile(&[1, 2, 3, 4], 0.5), Some(2));
/// ```
pub fn quantile<T: Copy>(sorted: &[T], q: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    let rank = (q * sorted.len() as f64).ceil() as usize;
    Some(sorted[rank.saturating_sub(1).min(last)])
}

/// A 95 % interval for the quantile `q` of what the sorted values were drawn from, by the binomial
/// distribution of the ranks (Conover 1999, 3.2); `None` of nothing.
pub fn quantile_interval<T: Copy>(sorted: &[T], q: f64) -> Option<(T, T)> {
    let last = sorted.len().checked_sub(1)?;
    let ranks = Binomial::new(q, sorted.len() as u64).ok()?;
    let low = ranks.inverse_cdf(TAIL).saturating_sub(1) as usize;
    let high = ranks.inverse_cdf(1.0 - TAIL) as usize;
    Some((sorted[low.min(last)], sorted[high.min(last)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_the_largest() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[]), 0);
        assert_eq!(argmax(&[f32::NAN, 1.0]), 0);
    }

    #[test]
    fn powers_are_summed() {
        assert_eq!(power_sums(&[1.0, -2.0, 3.0]), [3.0, 2.0, 14.0]);
        assert_eq!(power_sums(&[]), [0.0; 3]);
    }

    #[test]
    fn only_a_class_among_several_outputs_is_right_or_wrong() {
        assert_eq!(is_right(&[0.0, 1.0], 1), Some(true));
        assert_eq!(is_right(&[0.0, 1.0], 0), Some(false));
        assert_eq!(is_right(&[0.0, 1.0], 2), None);
        assert_eq!(is_right(&[1.0], 0), None);
        assert_eq!(is_right(&[], 0), None);
    }

    #[test]
    fn distributions_stay_and_logits_become_one() {
        assert_eq!(probabilities(&[0.25, 0.75]), [0.25, 0.75]);
        let [low, high] = probabilities(&[1.0, 2.0])[..] else {
            panic!("two classes");
        };
        assert!((high / low - 1f64.exp()).abs() < 1e-6 && (low + high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn probabilities_of_a_quantised_softmax_stay() {
        let sure = probabilities(&[0.0, 255.0 / 256.0, 0.0]);
        assert_eq!(sure, [0.0, 1.0, 0.0]);
        // Of ten classes, those that are rounded up make 258 steps.
        let row = [192.0, 22.0, 22.0, 22.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let row = row.map(|steps| steps / 256f32);
        assert_eq!(probabilities(&row)[0], 192.0 / 258.0);
        // Too far from 1 for two classes.
        assert!(probabilities(&[0.4, 0.5])[1] < 0.53);
        // All below half a step: nothing is known of them.
        assert_eq!(probabilities(&[0.0; 1000])[0], 1e-3);
    }

    #[test]
    fn one_value_has_no_error_and_none_no_mean() {
        let one = Mean::of(&[5.0]).unwrap();
        assert_eq!((one.mean, one.standard_error()), (5.0, None));
        assert_eq!(Mean::of(&[]), None);
        // t with 1 degree of freedom: 12.706.
        let two = Mean::of(&[1.0, 3.0]).unwrap();
        assert!((two.half_interval().unwrap() - 12.706).abs() < 1e-3);
    }

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn quantiles_are_values() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&sorted, 0.9), Some(90));
        assert_eq!(quantile(&sorted, 0.0), Some(1));
        assert_eq!(quantile(&sorted, 1.0), Some(100));
        assert_eq!(quantile::<u64>(&[], 0.5), None);
    }

    #[test]
    fn the_interval_of_a_quantile_narrows_with_samples() {
        let width = |n: u64| {
            let sorted: Vec<u64> = (0..n).map(|at| at * 10_000 / n).collect();
            let (low, high) = quantile_interval(&sorted, 0.9).unwrap();
            assert!(low <= 9_000 && 9_000 <= high, "{low} {high}");
            high - low
        };
        assert!(width(1_000) < width(100));
        assert_eq!(quantile_interval::<u64>(&[], 0.5), None);
    }
}
