//! Quantised weights and biases.

use edgefit_graph::{DataType, Tensor};
use rayon::prelude::*;

use crate::channels::Channels;
use crate::error::Result;
use crate::parameters::{integer_tensor, next_power_of_two};
use crate::rounding::InputStatistics;

/// Shrink factors that are tried of each range.
const FACTORS: usize = 80;

/// From 2²³ on floats are 1 apart; half as much again leaves room for negative numbers.
const INTEGERS: f32 = 12_582_912.0;

/// Largest magnitude of a sum of products and its bias: what 32 bits hold.
const MOST_SUM: f64 = i32::MAX as f64;

/// Largest magnitude of an activation less its zero point.
const MOST_ACTIVATION: f64 = 255.0;

/// A weight as integers.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedWeight {
    /// Row-major, of type s8.
    pub values: Vec<i64>,
    /// One scale, or one for each slice along `axis`.
    pub scales: Vec<f32>,
    /// Axis of the scales; `None` where there is one.
    pub axis: Option<usize>,
    dims: Vec<usize>,
}

/// How a weight is quantised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightRule {
    /// Axis with a scale for each slice; `None` for a single scale.
    pub axis: Option<usize>,
    /// Largest magnitude of an integer.
    pub limit: i64,
    /// Scales are powers of two.
    pub power_of_two: bool,
}

impl WeightRule {
    /// The scale that may stand in the place of `wanted`: not below it, and any if that is 0.
    fn scale(self, wanted: f32) -> f32 {
        if wanted <= f32::MIN_POSITIVE {
            1.0
        } else if self.power_of_two {
            next_power_of_two(wanted)
        } else {
            wanted
        }
    }
}

impl QuantizedWeight {
    /// `weight` as integers; each scale has the least squared error over its slice. Scales are at least
    /// `least_scale`, one for each slice or for all of them.
    ///
    /// Where it is known how the inputs vary, errors count by the variance of their input, and rounding
    /// lets those of a row make up for each other.
    ///
    /// # Errors
    /// The weight is not of floats.
    pub fn of(
        weight: &Tensor,
        rule: WeightRule,
        least_scale: &[f32],
        inputs: Option<(Channels, &InputStatistics)>,
    ) -> Result<Self> {
        let values = weight.to_f32()?;
        let dims = weight.dims().to_vec();
        let slices = rule.axis.map_or(1, |axis| dims[axis]);
        let inner: usize = rule
            .axis
            .map_or(values.len(), |axis| dims[axis + 1..].iter().product());
        let slice_of = |index: usize| (index / inner.max(1)) % slices.max(1);
        let importance = importance(values.len(), inputs);
        let mut of_slice: Vec<Vec<(f32, f32)>> = vec![Vec::new(); slices];
        for (index, pair) in values.iter().copied().zip(importance).enumerate() {
            of_slice[slice_of(index)].push(pair);
        }
        let floor = |slice: usize| match least_scale {
            [] => 0.0,
            &[one] => one,
            each => each.get(slice).copied().unwrap_or(0.0),
        };
        let scales: Vec<f32> = of_slice
            .par_iter()
            .enumerate()
            .map(|(slice, values)| rule.scale(best_scale(values, rule).max(floor(slice))))
            .collect();
        let mut rounded: Vec<i64> = vec![0; values.len()];
        match inputs {
            None => {
                for (index, (rounded, value)) in rounded.iter_mut().zip(&values).enumerate() {
                    let integer = (value / scales[slice_of(index)]).round_ties_even() as i64;
                    *rounded = integer.clamp(-rule.limit, rule.limit);
                }
            }
            Some((channels, inputs)) => {
                let rows = (0..channels.outputs()).into_par_iter().map(|output| {
                    let row: Vec<f32> = channels.row(output).map(|index| values[index]).collect();
                    let scale = scales[if slices == 1 { 0 } else { output }];
                    let factored = inputs.factored(channels, output);
                    factored.round(&row, scale, rule.limit)
                });
                let rows: Vec<Vec<i64>> = rows.collect();
                for (output, row) in rows.into_iter().enumerate() {
                    for (index, integer) in channels.row(output).zip(row) {
                        rounded[index] = integer;
                    }
                }
            }
        }
        Ok(QuantizedWeight {
            values: rounded,
            axis: rule.axis,
            dims,
            scales,
        })
    }

    /// Integers that are there already, in the shape `dims`, with their scales along `axis`.
    pub(crate) fn new(
        values: Vec<i64>,
        scales: Vec<f32>,
        axis: Option<usize>,
        dims: Vec<usize>,
    ) -> Self {
        QuantizedWeight {
            values,
            scales,
            axis,
            dims,
        }
    }

    /// Other floats of the same shape with other scales, each rounded to the nearest integer of at most
    /// `limit`.
    pub(crate) fn requantized(&self, floats: &[f32], scales: Vec<f32>, limit: i64) -> Self {
        let mut made = QuantizedWeight {
            scales,
            ..self.clone()
        };
        let most = limit as f32;
        made.values = floats
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let integer = (value / made.scale_at(index)).clamp(-most, most);
                integer.round_ties_even() as i64
            })
            .collect();
        made
    }

    /// Shape.
    pub(crate) fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The scale of the element at `index`, row-major.
    pub(crate) fn scale_at(&self, index: usize) -> f32 {
        let inner: usize = self.axis.map_or(self.values.len(), |axis| {
            self.dims[axis + 1..].iter().product()
        });
        self.scales[(index / inner.max(1)) % self.scales.len().max(1)]
    }

    /// What the integers stand for.
    pub fn dequantized(&self) -> Vec<f32> {
        let values = self.values.iter().enumerate();
        values
            .map(|(index, &value)| value as f32 * self.scale_at(index))
            .collect()
    }

    /// Integers, scales and zero points as tensors.
    pub(crate) fn tensors(&self) -> (Tensor, Tensor, Tensor) {
        let dims = self.axis.map_or(vec![], |_| vec![self.scales.len()]);
        let zeros = vec![0; self.scales.len()];
        (
            integer_tensor(DataType::I8, self.dims.clone(), &self.values),
            Tensor::from_values(dims.clone(), &self.scales),
            integer_tensor(DataType::I8, dims, &zeros),
        )
    }
}

/// What the squared error of each of `count` elements counts: the variance of its input, where that is
/// known, and a hundredth of the mean, so that none counts nothing.
fn importance(count: usize, inputs: Option<(Channels, &InputStatistics)>) -> Vec<f32> {
    let mut importance = vec![1f32; count];
    let Some((channels, inputs)) = inputs else {
        return importance;
    };
    for output in 0..channels.outputs() {
        for (index, variance) in channels.row(output).zip(inputs.variances(channels, output)) {
            importance[index] = *variance;
        }
    }
    let mean = importance
        .iter()
        .map(|&value| f64::from(value))
        .sum::<f64>()
        / count.max(1) as f64;
    if mean > 0.0 {
        for value in &mut importance {
            *value = *value / mean as f32 + 0.01;
        }
    } else {
        importance.fill(1.0);
    }
    importance
}

/// The scale of least squared error, 0 where all values are; each value comes with what its error counts.
fn best_scale(values: &[(f32, f32)], rule: WeightRule) -> f32 {
    let most = values
        .iter()
        .fold(0f32, |most, (value, _)| most.max(value.abs()));
    let whole = most / rule.limit as f32;
    if whole <= f32::MIN_POSITIVE {
        return 0.0;
    }
    if rule.power_of_two {
        let upper = next_power_of_two(whole);
        let candidates = [upper, upper / 2.0, upper / 4.0];
        return least_error(values, rule.limit, candidates);
    }
    let factors = (0..FACTORS).map(|step| 1.0 - 0.6 * step as f32 / FACTORS as f32);
    least_error(values, rule.limit, factors.map(|factor| whole * factor))
}

fn least_error(values: &[(f32, f32)], limit: i64, scales: impl IntoIterator<Item = f32>) -> f32 {
    let error = |scale: f32| {
        let (limit, per_step) = (limit as f32, 1.0 / scale);
        let error = |(value, importance): &(f32, f32)| {
            let clamped = (value * per_step).clamp(-limit, limit);
            // To the nearest integer: what is added leaves no bits behind the point.
            let rounded = (clamped + INTEGERS) - INTEGERS;
            importance * (value - rounded * scale).powi(2)
        };
        values.iter().map(error).sum::<f32>()
    };
    let scored = scales.into_iter().map(|scale| (error(scale), scale));
    scored
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(1.0, |(_, scale)| scale)
}

/// Scales that each output channel has to have at least, so that no sum of its products and its bias, which
/// has the scale of the input times that of the weight, leaves 32 bits, whatever the input is.
pub(crate) fn least_scales(
    channels: Channels,
    weight: &[f32],
    bias: Option<&[f32]>,
    input_scale: f32,
) -> Vec<f32> {
    let sum = |output: usize| -> f64 {
        let row = channels.row(output).map(|index| weight[index]);
        row.map(|value| f64::from(value.abs()) * MOST_ACTIVATION)
            .sum()
    };
    let mut sums: Vec<f64> = (0..channels.outputs()).map(sum).collect();
    for (sum, bias) in sums.iter_mut().zip(bias.unwrap_or_default()) {
        *sum += f64::from(bias.abs()) / f64::from(input_scale);
    }
    // Rounding adds at most half a step to each weight, far below the 1 % kept free.
    sums.iter()
        .map(|sum| (sum / (0.99 * MOST_SUM)) as f32)
        .collect()
}

/// A bias as 32-bit integers, and its scales: those of the weight times that of the input.
pub(crate) fn quantized_bias(
    bias: &[f32],
    input_scale: f32,
    weight: &QuantizedWeight,
) -> (Tensor, Tensor, Tensor) {
    let scale_of = |channel: usize| {
        let scales = &weight.scales;
        input_scale * scales[if scales.len() == 1 { 0 } else { channel }]
    };
    let integers: Vec<i64> = bias
        .iter()
        .enumerate()
        .map(|(channel, &value)| {
            let scaled = f64::from(value) / f64::from(scale_of(channel));
            scaled.round_ties_even().clamp(-MOST_SUM, MOST_SUM) as i64
        })
        .collect();
    let dims = weight.axis.map_or(vec![], |_| vec![bias.len()]);
    let count = dims.first().copied().unwrap_or(1);
    let scales: Vec<f32> = (0..count).map(scale_of).collect();
    (
        integer_tensor(DataType::I32, vec![bias.len()], &integers),
        Tensor::from_values(dims.clone(), &scales),
        integer_tensor(DataType::I32, dims, &vec![0; count]),
    )
}

#[cfg(test)]
mod tests;
