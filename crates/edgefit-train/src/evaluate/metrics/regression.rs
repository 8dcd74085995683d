//! Figures of a regression.

use serde::Serialize;

use crate::evaluate::metrics::bootstrap::interval_of;

/// Figures of a regression; each target has a unit of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// Number of samples.
    pub samples: usize,
    /// Mean over the targets of [`TargetFigures::r2`].
    pub r2: f64,
    /// 95 % interval of that, by drawing the samples anew.
    pub r2_interval: [f64; 2],
    /// Figures of each target.
    pub per_target: Vec<TargetFigures>,
}

/// Figures of one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TargetFigures {
    /// Mean of |predicted − true|.
    pub mean_absolute_error: f64,
    /// 95 % interval of that, by drawing the samples anew.
    pub mean_absolute_error_interval: [f64; 2],
    /// Root of the mean of (predicted − true)².
    pub root_mean_squared_error: f64,
    /// Coefficient of determination: 1 − Σ (predicted − true)² / Σ (true − mean)². 0 is as good as
    /// the mean; where the truth is constant, 1 if every prediction is exact and 0 if not.
    pub r2: f64,
}

impl Regression {
    /// Figures of what was `predicted` against the `truth`, both samples × targets, row-major.
    pub fn of(predicted: &[f32], truth: &[f32], targets: usize) -> Self {
        let targets = targets.max(1);
        let rows: Vec<Row> = predicted
            .chunks(targets)
            .zip(truth.chunks(targets))
            .collect();
        let per_target = (0..targets).map(|target| TargetFigures {
            mean_absolute_error: absolute(&rows, target),
            mean_absolute_error_interval: interval_of(&rows, |rows| absolute(rows, target)),
            root_mean_squared_error: (squares(&rows, target) / rows.len().max(1) as f64).sqrt(),
            r2: r2(&rows, target),
        });
        let mean = |rows: &[Row]| {
            (0..targets).map(|target| r2(rows, target)).sum::<f64>() / targets as f64
        };
        Regression {
            samples: rows.len(),
            r2: mean(&rows),
            r2_interval: interval_of(&rows, mean),
            per_target: per_target.collect(),
        }
    }
}

/// What was predicted of a sample, and what is true of it.
type Row<'a> = (&'a [f32], &'a [f32]);

fn errors(rows: &[Row], target: usize) -> impl Iterator<Item = f64> {
    rows.iter()
        .map(move |(predicted, truth)| f64::from(predicted[target]) - f64::from(truth[target]))
}

fn absolute(rows: &[Row], target: usize) -> f64 {
    errors(rows, target).map(f64::abs).sum::<f64>() / rows.len().max(1) as f64
}

fn squares(rows: &[Row], target: usize) -> f64 {
    errors(rows, target).map(|error| error * error).sum()
}

fn r2(rows: &[Row], target: usize) -> f64 {
    let truth = || rows.iter().map(|(_, truth)| f64::from(truth[target]));
    let mean = truth().sum::<f64>() / rows.len().max(1) as f64;
    let spread: f64 = truth().map(|value| (value - mean).powi(2)).sum();
    let squares = squares(rows, target);
    if spread > 0.0 {
        1.0 - squares / spread
    } else if squares == 0.0 {
        1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_explains_nothing_and_the_truth_everything() {
        let truth = [1.0, 10.0, 2.0, 20.0, 3.0, 60.0];
        let mean = [2.0, 30.0].repeat(3);
        let of = Regression::of(&mean, &truth, 2);
        assert_eq!((of.samples, of.r2), (3, 0.0));
        assert!((of.per_target[0].mean_absolute_error - 2.0 / 3.0).abs() < 1e-12);
        let expected = ((400.0 + 100.0 + 900.0) / 3.0f64).sqrt();
        assert!((of.per_target[1].root_mean_squared_error - expected).abs() < 1e-9);
        let perfect = Regression::of(&truth, &truth, 2);
        assert_eq!((perfect.r2, perfect.r2_interval), (1.0, [1.0, 1.0]));
        assert_eq!(Regression::of(&[1.0, 1.0], &[2.0, 2.0], 1).r2, 0.0);
    }
}
