//! Normalisation over the batch, a layer or a group.

use burn::tensor::Tensor;
use burn::tensor::module;
use edgefit_graph::ops::{BatchNormalization, GroupNormalization, LayerNormalization};

use super::channel_scale::scale;
use super::layer_norm::layer_norm;
use super::operands::Operands;
use crate::backend::runs_kernels;
use crate::value::{Floats, Value, on_rank};

/// A batch normalised by its own statistics, and the running statistics after it.
pub(crate) struct Normalized {
    pub output: Value,
    pub mean: Tensor<1>,
    pub variance: Tensor<1>,
}

/// Normalises by the running statistics.
pub(crate) fn batch_norm(
    op: &BatchNormalization,
    operands: &mut Operands,
) -> Result<Value, String> {
    let x = operands.floats(0)?;
    let [factor, offset] = factor_and_offset(op, operands, 1)?;
    Ok(on_rank!(x, x => {
        let mut shape = x.dims().map(|_| 1);
        let Some(channels) = shape.get_mut(1) else {
            return Err("normalisation needs a dimension of channels".into());
        };
        *channels = factor.dims()[0];
        if x.dims().get(1) != Some(channels) {
            return Err(format!("it has {channels} scales, and x of {:?} other channels", x.dims()));
        }
        if factor.is_tracked() || offset.is_tracked() {
            (x * factor.reshape(shape) + offset.reshape(shape)).into()
        } else {
            scale(x, factor, offset).into()
        }
    }))
}

/// What normalisation by the running statistics multiplies by and then adds; scale, bias, mean and variance are
/// the operands from `first` on.
pub(super) fn factor_and_offset(
    op: &BatchNormalization,
    operands: &mut Operands,
    first: usize,
) -> Result<[Tensor<1>; 2], String> {
    let [gain, bias, mean, variance] = statistics(operands, first)?;
    let factor = gain / (variance + f64::from(op.epsilon)).sqrt();
    let offset = bias - mean * factor.clone();
    Ok([factor, offset])
}

/// Normalises by the statistics of the batch.
///
/// The running variance takes the batch's unbiased one, as PyTorch's does and unlike ONNX's
/// training mode, so that weights fine-tuned here and by PyTorch behave alike.
pub(crate) fn batch_norm_train(
    op: &BatchNormalization,
    operands: &mut Operands,
) -> Result<Normalized, String> {
    let x = operands.floats(0)?;
    let [scale, bias, mean, variance] = statistics(operands, 1)?;
    let dims = x.dims();
    let samples = dims.iter().product::<usize>() / dims.get(1).copied().unwrap_or(1).max(1);
    if samples < 2 {
        return Err("batch statistics of a single value per channel; use a larger batch".into());
    }
    let unbiased = samples as f64 / (samples as f64 - 1.0);
    let keep = f64::from(op.momentum);
    on_rank!(x, x => {
        let batch = module::batch_norm_train(x, scale, bias, f64::from(op.epsilon));
        let moved = |old: Tensor<1>, new: Tensor<1>| old * keep + new * (1.0 - keep);
        Ok(Normalized {
            output: batch.output.into(),
            mean: moved(mean.inner(), batch.mean.inner()),
            variance: moved(variance.inner(), batch.variance.inner() * unbiased),
        })
    })
}

/// Normalises by the statistics of the batch as ONNX defines `training_mode`: the first `outputs` of
/// the result and the running mean and (biased) variance.
pub(super) fn batch_norm_in_training_mode(
    op: &BatchNormalization,
    operands: &mut Operands,
    outputs: usize,
) -> Result<Vec<Value>, String> {
    let x = operands.floats(0)?;
    let [scale, bias, mean, variance] = statistics(operands, 1)?;
    let keep = f64::from(op.momentum);
    on_rank!(x, x => {
        let batch = module::batch_norm_train(x, scale, bias, f64::from(op.epsilon));
        let moved = |old: Tensor<1>, new: Tensor<1>| old * keep + new * (1.0 - keep);
        let all: Vec<Value> = vec![
            batch.output.into(),
            moved(mean, batch.mean).into(),
            moved(variance, batch.variance).into(),
        ];
        Ok(all.into_iter().take(outputs).collect())
    })
}

/// Scale, bias, mean and variance, from operand `first` on.
fn statistics(operands: &mut Operands, first: usize) -> Result<[Tensor<1>; 4], String> {
    Ok([
        operands.tensor(first)?,
        operands.tensor(first + 1)?,
        operands.tensor(first + 2)?,
        operands.tensor(first + 3)?,
    ])
}

/// The first `outputs` of: the normalised x, the mean, and 1 / the standard deviation.
pub(super) fn layer(
    norm: &LayerNormalization,
    operands: &mut Operands,
    outputs: usize,
) -> Result<Vec<Value>, String> {
    let x = operands.floats(0)?;
    let dims = x.dims();
    let rank = dims.len();
    let axes: Vec<usize> = (norm.axis(rank)?..rank).collect();
    let scale = operands.floats(1)?;
    let bias = operands.optional_floats(2)?;
    let weights = std::iter::once(&scale).chain(&bias);
    let weights: Vec<Vec<usize>> = weights.map(Floats::dims).collect();
    let in_one_pass = rows_in_one_pass(norm, &dims, &weights, outputs);
    if let Some([rows, width]) = in_one_pass.filter(|_| runs_kernels(operands.device)) {
        let vector = |weight: Floats| weight.reshape(&[width])?.try_into();
        let bias = bias.map(vector).transpose()?;
        let x = x.reshape(&[rows, width])?.try_into()?;
        let made = layer_norm(x, vector(scale)?, bias, norm.epsilon);
        return Ok(vec![Floats::from(made).reshape(&dims)?.into()]);
    }
    let scale = scale.padded_to(rank)?;
    let bias = bias.map(|bias| bias.padded_to(rank)).transpose()?;
    on_rank!(x, x => {
        let (centred, mean, factor) = standardized(x, &axes, norm.epsilon);
        let mut output = Tensor::mul(centred * factor.clone(), scale.try_into()?);
        if let Some(bias) = bias {
            output = Tensor::add(output, bias.try_into()?);
        }
        let all: Vec<Value> = vec![output.into(), mean.into(), factor.into()];
        Ok(all.into_iter().take(outputs).collect())
    })
}

/// The rows of x and their width, if one pass over each computes the layer: it has one result, and its `weights` have a
/// number for each element of a row.
pub(crate) fn rows_in_one_pass(
    norm: &LayerNormalization,
    x: &[usize],
    weights: &[Vec<usize>],
    outputs: usize,
) -> Option<[usize; 2]> {
    let (rows, row) = x.split_at_checked(norm.axis(x.len()).ok()?)?;
    let [rows, width] = [rows, row].map(|dims| dims.iter().product::<usize>());
    let is_whole = |dims: &Vec<usize>| dims.iter().product::<usize>() == width;
    (outputs == 1 && weights.iter().all(is_whole)).then_some([rows, width])
}

/// x less its mean over `axes`, the mean, and 1 / √(variance + ε).
fn standardized<const D: usize>(
    x: Tensor<D>,
    axes: &[usize],
    epsilon: f32,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let mean = x.clone().mean_dims(axes);
    let centred = x - mean.clone();
    let variance = centred.clone().square().mean_dims(axes);
    let factor = (variance + epsilon).sqrt().recip();
    (centred, mean, factor)
}

pub(super) fn group(norm: &GroupNormalization, operands: &mut Operands) -> Result<Floats, String> {
    let x = operands.floats(0)?;
    let dims = x.dims();
    let (channels, groups) = (dims[1], norm.groups(dims[1]));
    let each = channels / groups;
    let inner: usize = dims[2..].iter().product();
    // (batch, groups, channels of a group, elements of a channel).
    let x: Tensor<4> = x.reshape(&[dims[0], groups, each, inner])?.try_into()?;
    let mut weight = |index: usize| -> Result<Tensor<4>, String> {
        let weight: Tensor<1> = operands.tensor(index)?;
        let per_group = if norm.per_group { 1 } else { each };
        Ok(weight.reshape([1, groups, per_group, 1]))
    };
    let (scale, bias) = (weight(1)?, weight(2)?);
    let (centred, _, factor) = standardized(x, &[2, 3], norm.epsilon);
    Floats::from(centred * factor * scale + bias).reshape(&dims)
}
