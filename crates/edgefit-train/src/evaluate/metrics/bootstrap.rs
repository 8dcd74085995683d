//! Bootstrap intervals.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::evaluate::metrics::tally::Tally;

/// Times that the samples are drawn anew.
const DRAWS: usize = 1000;

/// 95 % percentile intervals over 1,000 sets of as many samples, drawn with replacement (Efron &
/// Tibshirani 1993, An Introduction to the Bootstrap, section 13.3). The same samples give the same
/// intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Of the accuracy.
    pub accuracy: [f64; 2],
    /// Of the balanced accuracy.
    pub balanced_accuracy: [f64; 2],
    /// Of the macro F1.
    pub macro_f1: [f64; 2],
}

impl Bootstrap {
    /// Of pairs of a true and a predicted class.
    pub(super) fn of(pairs: &[(usize, usize)], classes: usize) -> Self {
        let figures = |drawn: &[(usize, usize)]| {
            let tally = Tally::of(drawn.iter().copied(), classes);
            [
                tally.accuracy(),
                tally.balanced_accuracy(),
                tally.macro_f1(),
            ]
        };
        let [accuracy, balanced_accuracy, macro_f1] = intervals_of(pairs, figures);
        Bootstrap {
            accuracy,
            balanced_accuracy,
            macro_f1,
        }
    }
}

/// The interval of one figure, see [`Bootstrap`].
pub(super) fn interval_of<T: Copy>(samples: &[T], figure: impl Fn(&[T]) -> f64) -> [f64; 2] {
    let [interval] = intervals_of(samples, |drawn| [figure(drawn)]);
    interval
}

fn intervals_of<T: Copy, const N: usize>(
    samples: &[T],
    figures: impl Fn(&[T]) -> [f64; N],
) -> [[f64; 2]; N] {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut seen: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let mut drawn = Vec::with_capacity(samples.len());
    if !samples.is_empty() {
        for _ in 0..DRAWS {
            drawn.clear();
            drawn.extend((0..samples.len()).map(|_| samples[rng.random_range(0..samples.len())]));
            for (seen, figure) in seen.iter_mut().zip(figures(&drawn)) {
                seen.push(figure);
            }
        }
    }
    seen.map(interval)
}

/// From the 2.5 % to the 97.5 % percentile; of nothing, everything.
fn interval(mut figures: Vec<f64>) -> [f64; 2] {
    figures.sort_by(f64::total_cmp);
    let tail = figures.len() / 40;
    match figures.len().checked_sub(tail + 1) {
        Some(high) => [figures[tail], figures[high]],
        None => [0.0, 1.0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_as_wide_as_the_binomial_makes_it() {
        // 80 of 100: the standard error is 0.04, so that the interval is about 0.72 to 0.88.
        let pairs: Vec<(usize, usize)> = (0..100).map(|at| (at % 2, (at + at / 80) % 2)).collect();
        let right = pairs.iter().filter(|(truth, made)| truth == made).count();
        assert_eq!(right, 80);
        let [low, high] = Bootstrap::of(&pairs, 2).accuracy;
        assert!((low - 0.72).abs() < 0.02 && (high - 0.88).abs() < 0.02);
        assert_eq!(Bootstrap::of(&pairs, 2), Bootstrap::of(&pairs, 2));
    }

    #[test]
    fn no_error_has_no_width_and_no_sample_no_bound() {
        assert_eq!(Bootstrap::of(&[(0, 0), (1, 1)], 2).accuracy, [1.0, 1.0]);
        assert_eq!(Bootstrap::of(&[], 2).macro_f1, [0.0, 1.0]);
    }
}
