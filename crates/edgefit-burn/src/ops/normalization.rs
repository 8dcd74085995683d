use burn::tensor::Tensor;
use burn::tensor::module;
use edgefit_graph::ops::BatchNormalization;

use super::Operands;
use crate::value::{Value, on_rank};

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
    let x = operands.take(0)?;
    let [scale, bias, mean, variance] = statistics(operands)?;
    let epsilon = f64::from(op.epsilon);
    Ok(on_rank!(x, x => match x.dims().len() {
        0 | 1 => return Err("normalisation needs a dimension of channels".into()),
        _ => module::batch_norm(x, scale, bias, mean, variance, epsilon).into(),
    }))
}

/// Normalises by the statistics of the batch.
///
/// The running variance takes the batch's unbiased one, as PyTorch's does and unlike ONNX's
/// training mode, so that weights fine-tuned here and there behave alike.
pub(crate) fn batch_norm_train(
    op: &BatchNormalization,
    operands: &mut Operands,
) -> Result<Normalized, String> {
    let x = operands.take(0)?;
    let [scale, bias, mean, variance] = statistics(operands)?;
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

fn statistics(operands: &mut Operands) -> Result<[Tensor<1>; 4], String> {
    Ok([
        operands.tensor(1)?,
        operands.tensor(2)?,
        operands.tensor(3)?,
        operands.tensor(4)?,
    ])
}
