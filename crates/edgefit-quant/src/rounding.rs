//! Rounding of weights so that the errors of a row make up for each other, as far as its inputs vary
//! together: the nearest-plane form of GPTQ (Frantar et al. 2022, arXiv 2210.17323; Chen et al. 2025,
//! arXiv 2507.18553).

use std::ops::Range;

use edgefit_linalg::cholesky::Cholesky;
use rayon::prelude::*;

use crate::channels::Channels;
use crate::moments::Moments;

/// Share of the mean variance that each variance is raised by: it bounds what is made up for.
const DAMPING: f64 = 0.01;

/// How the inputs of a layer vary, for each group of its output channels.
#[derive(Debug, Clone)]
pub(crate) struct InputStatistics {
    groups: Vec<(Factored, Vec<f32>)>,
}

impl InputStatistics {
    /// Of all that `moments` counted.
    pub fn of(moments: &Moments) -> Self {
        let groups = (0..moments.groups()).into_par_iter().map(|group| {
            let covariances = moments.covariances(group);
            let variances = covariances.iter().flat_map(|(block, covariance)| {
                let size = block.len();
                (0..size).map(move |at| covariance[at * size + at] as f32)
            });
            let variances = variances.collect();
            (Factored::of(covariances), variances)
        });
        InputStatistics {
            groups: groups.collect(),
        }
    }

    /// Of the inputs that the output channel `output` reads.
    pub fn factored(&self, channels: Channels, output: usize) -> &Factored {
        &self.groups[channels.group(output)].0
    }

    /// Variance of each of those inputs.
    pub fn variances(&self, channels: Channels, output: usize) -> &[f32] {
        &self.groups[channels.group(output)].1
    }
}

/// How the inputs of a row vary together, factored: covariance = Rᵀ · R.
#[derive(Debug, Clone)]
pub(crate) struct Factored {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
struct Block {
    inputs: Range<usize>,
    /// Inputs in the order of their variance, the least first.
    order: Vec<usize>,
    /// Upper triangle R of the covariance Rᵀ · R, column by column.
    columns: Vec<Vec<f32>>,
}

impl Factored {
    /// Of covariance matrices of blocks of the inputs, row-major.
    pub fn of(covariances: Vec<(Range<usize>, Vec<f64>)>) -> Self {
        let blocks = covariances.into_iter().map(|(inputs, covariance)| {
            let size = inputs.len();
            let mut order: Vec<usize> = (0..size).collect();
            let variance = |index: usize| covariance[index * size + index];
            order.sort_by(|&a, &b| variance(a).total_cmp(&variance(b)));
            let mean = (0..size).map(variance).sum::<f64>() / size.max(1) as f64;
            // Inputs that never vary leave a matrix of zeros; then each weight is rounded by itself.
            let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
            let cholesky = Cholesky::of(size, |row, column| {
                let value = covariance[order[row] * size + order[column]];
                if row == column {
                    value + damping
                } else {
                    value
                }
            });
            let column = |at: usize| {
                let column = cholesky.row(at).iter();
                column.map(|&value| value as f32).collect()
            };
            Block {
                inputs,
                order,
                columns: (0..size).map(column).collect(),
            }
        });
        Factored {
            blocks: blocks.collect(),
        }
    }

    /// Rounds a `row` of weights to integers of at most `limit`, each in steps of `scale`: from the input
    /// that varies most on, each takes over what the errors before it do to the output.
    pub fn round(&self, row: &[f32], scale: f32, limit: i64) -> Vec<i64> {
        let mut rounded = vec![0; row.len()];
        let most = limit as f32;
        for block in &self.blocks {
            let size = block.order.len();
            let row = &row[block.inputs.clone()];
            let mut carried = vec![0f32; size];
            for at in (0..size).rev() {
                let column = &block.columns[at];
                let input = block.order[at];
                let wanted = row[input] + carried[at] / column[at];
                let integer = (wanted / scale).round_ties_even().clamp(-most, most);
                rounded[block.inputs.start + input] = integer as i64;
                let off = row[input] - integer * scale;
                for (carried, factor) in carried[..at].iter_mut().zip(column) {
                    *carried += factor * off;
                }
            }
        }
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variance of the error of the output.
    fn error(row: &[f32], rounded: &[i64], scale: f32, covariance: &[f64]) -> f64 {
        let off: Vec<f64> = row
            .iter()
            .zip(rounded)
            .map(|(value, integer)| f64::from(*value) - *integer as f64 * f64::from(scale))
            .collect();
        let size = row.len();
        (0..size * size)
            .map(|at| off[at / size] * off[at % size] * covariance[at])
            .sum()
    }

    #[test]
    fn errors_of_inputs_that_vary_together_cancel() {
        // Nine neighbouring pixels, of a correlation of 0.9 to the power of their distance.
        let size = 9;
        let covariance: Vec<f64> = (0..size * size)
            .map(|at| 0.9f64.powi((at as i32 / 9 - at as i32 % 9).abs()))
            .collect();
        let factored = Factored::of(vec![(0..size, covariance.clone())]);
        let (mut nearest, mut made) = (0.0, 0.0);
        for start in 0..50 {
            let row: Vec<f32> = (0..size)
                .map(|k| ((start * 9 + k) as f32 * 0.7).sin() * 4.0)
                .collect();
            let plain: Vec<i64> = row.iter().map(|value| value.round() as i64).collect();
            nearest += error(&row, &plain, 1.0, &covariance);
            made += error(&row, &factored.round(&row, 1.0, 127), 1.0, &covariance);
        }
        assert!(made < 0.4 * nearest, "{made} {nearest}");
    }

    #[test]
    fn what_never_varies_is_rounded_to_the_nearest() {
        let factored = Factored::of(vec![(0..2, vec![0.0; 4])]);
        assert_eq!(factored.round(&[1.4, -200.0], 1.0, 127), [1, -127]);
    }
}
