//! The learning-rate range test: what is tried, and what the curve says.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::recipe::OptimizerKind;
use crate::config::stage_name::StageName;

/// Lowest and highest learning rate that is tried.
const RANGE: [f64; 2] = [1e-6, 1e1];

/// Steps of a power of ten.
const STEPS: usize = 20;

/// How much of the mean of the losses before a loss leaves in their smoothed course.
const SMOOTHING: f64 = 0.9;

/// Losses of which their smoothed course is a mean about; that of the first ones is of fewer.
const SETTLED: usize = 10;

/// How many times the lowest smoothed loss so far ends the test (fastai's `LRFinder`).
const DIVERGED: f64 = 4.0;

/// Share of the learning rate of the lowest loss that is suggested (Howard & Gugger, Deep Learning for Coders,
/// 2020, chapter 5; fastai's `minimum`).
const BELOW_MINIMUM: f64 = 0.1;

/// What a learning-rate range test (Smith 2017, arXiv 1506.01186, section 3.3) found: training with a
/// learning rate that rises from step to step, until the loss diverges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LrFind {
    /// The dataset's folder.
    pub data: PathBuf,
    /// The backbone's file.
    pub backbone: PathBuf,
    /// What was trained.
    pub stage: StageName,
    /// By which optimizer.
    pub optimizer: OptimizerKind,
    /// Samples of a step.
    pub batch: usize,
    /// The learning rate that the recipe has.
    pub recipe_learning_rate: f64,
    /// Step by step.
    pub curve: Vec<Point>,
    /// What the curve says.
    #[serde(flatten)]
    pub reading: Reading,
}

/// A step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Its learning rate.
    pub learning_rate: f64,
    /// Mean weighted loss of its samples, as it is trained.
    pub loss: f64,
    /// Exponential mean of the losses so far, corrected for its start from nothing.
    pub smoothed: f64,
}

/// What a curve says of learning rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reading {
    /// Learning rate at which the smoothed loss was four times its lowest, or a loss non-finite;
    /// `None` if neither happened.
    pub diverges_at: Option<f64>,
    /// Rate at which the smoothed loss was lowest.
    pub minimum: f64,
    /// Rate below `minimum` at which the smoothed loss fell most for a change of the rate's logarithm.
    pub steepest: f64,
    /// A tenth of `minimum`.
    pub suggestion: f64,
}

/// Learning rates of equal ratio over the whole range.
pub(crate) fn learning_rates() -> Vec<f64> {
    let [low, high] = RANGE;
    let steps = ((high / low).log10() * STEPS as f64).round() as usize;
    let share = |step: usize| step as f64 / steps as f64;
    (0..=steps)
        .map(|step| low * (high / low).powf(share(step)))
        .collect()
}

fn smoothed(losses: &[f64]) -> Vec<f64> {
    let (mut mean, mut weight) = (0.0, 0.0);
    let mut next = |loss: &f64| {
        mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
        weight = SMOOTHING * weight + (1.0 - SMOOTHING);
        mean / weight
    };
    losses.iter().map(&mut next).collect()
}

/// Whether the last of some losses shows that they diverge.
pub(crate) fn diverged(losses: &[f64]) -> bool {
    let smoothed = smoothed(losses);
    let lowest = smoothed.iter().copied().fold(f64::INFINITY, f64::min);
    smoothed
        .last()
        .is_some_and(|&last| last > DIVERGED * lowest)
}

/// The curve of the losses that steps at `rates` had, and what it says. `None` of fewer than two.
///
/// Fewer losses than rates mean that the test was ended by the last one, or behind it.
pub(crate) fn read(learning_rates: &[f64], losses: &[f64]) -> Option<(Vec<Point>, Reading)> {
    let points = learning_rates.iter().zip(losses).zip(smoothed(losses));
    let curve: Vec<Point> = points
        .map(|((&learning_rate, &loss), smoothed)| Point {
            learning_rate,
            loss,
            smoothed,
        })
        .collect();
    if curve.len() < 2 {
        return None;
    }
    let (lowest, minimum) = curve
        .iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| a.smoothed.total_cmp(&b.smoothed))?;
    // Rates are equally far apart, so the largest fall is the steepest.
    let fall = |pair: &&[Point]| pair[0].smoothed - pair[1].smoothed;
    let steepest = curve[SETTLED.min(lowest.saturating_sub(1))..=lowest]
        .windows(2)
        .max_by(|a, b| fall(a).total_cmp(&fall(b)))
        .map_or(minimum, |pair| &pair[0]);
    let diverges_at = if diverged(losses) {
        curve.last().map(|last| last.learning_rate)
    } else {
        // A non-finite loss is not among them.
        learning_rates.get(losses.len()).copied()
    };
    let reading = Reading {
        diverges_at,
        minimum: minimum.learning_rate,
        steepest: steepest.learning_rate,
        suggestion: BELOW_MINIMUM * minimum.learning_rate,
    };
    Some((curve, reading))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses of training whose loss is lowest at a learning rate of `best` and diverges beyond it.
    fn losses(best: f64) -> Vec<f64> {
        let loss = |rate: &f64| {
            let beyond = (rate / best).log10();
            match beyond {
                below if below < 0.0 => 0.2 + 1.8 / (1.0 + (4.0 * (below + 1.5)).exp()),
                above => 0.2 + 20.0 * above * above,
            }
        };
        learning_rates().iter().map(loss).collect()
    }

    #[test]
    fn rates_rise_over_the_whole_range() {
        let rates = learning_rates();
        assert_eq!(rates.len(), 7 * STEPS + 1);
        assert!((rates[STEPS] / 1e-5 - 1.0).abs() < 1e-9);
        assert!((rates.last().unwrap() / 10.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_curve_is_read_as_a_person_reads_it() {
        let losses = losses(1e-2);
        let end = (1..losses.len())
            .find(|&end| diverged(&losses[..end]))
            .unwrap();
        let (curve, reading) = read(&learning_rates(), &losses[..end]).unwrap();
        assert_eq!(curve.len(), end);
        // Smoothing looks back, by half a power of ten here.
        let decades = |rate: f64, of: f64| (rate / of).log10();
        assert!(
            (0.0..0.6).contains(&decades(reading.minimum, 1e-2)),
            "{reading:?}"
        );
        assert!(
            (0.0..0.6).contains(&decades(reading.steepest, 10f64.powf(-3.5))),
            "{reading:?}"
        );
        let diverges_at = reading.diverges_at.unwrap();
        assert_eq!(diverges_at, curve.last().unwrap().learning_rate);
        assert!(diverges_at > 1e-2);
    }

    #[test]
    fn the_steepest_fall_is_neither_at_the_start_nor_behind_the_minimum() {
        let rates = learning_rates();
        let falling = (0..20).map(|step| 2.0 - 0.05 * f64::from(step));
        let losses: Vec<f64> = std::iter::once(5.0)
            .chain([2.0; 19])
            .chain(falling)
            .chain([3.5; 10])
            .chain([1.9; 10])
            .collect();
        let (
            _,
            Reading {
                minimum, steepest, ..
            },
        ) = read(&rates, &losses).unwrap();
        assert!(rates[20] < steepest && steepest < minimum, "{steepest}");
        assert_eq!(minimum, rates[39]);
    }

    #[test]
    fn a_non_finite_loss_diverges_where_it_was() {
        let rates = learning_rates();
        let falling: Vec<f64> = (0..50).map(|step| 2.0 - 0.01 * f64::from(step)).collect();
        let (_, reading) = read(&rates, &falling).unwrap();
        assert_eq!(reading.diverges_at, Some(rates[50]));
        assert_eq!(read(&rates, &falling[..1]), None);
        let all: Vec<f64> = vec![1.0; rates.len()];
        assert_eq!(read(&rates, &all).unwrap().1.diverges_at, None);
    }
}
