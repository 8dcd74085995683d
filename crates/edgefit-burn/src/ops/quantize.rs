//! QuantizeLinear and DequantizeLinear.

use burn::tensor::Tensor;
use edgefit_graph::ops::Quantize;

use super::operands::Operands;
use crate::value::{Floats, on_rank};

/// Integers as floats, `clamp(round(x / scale) + zero point)`. The gradient goes straight through
/// the rounding (Bengio et al. 2013, arXiv 1308.3432), and stops where the result is clamped.
pub(super) fn forward(quantize: Quantize, operands: &mut Operands) -> Result<Floats, String> {
    let (x, scale, zero_point) = scaling(quantize, operands)?;
    let (least, most) = quantize.limits();
    on_rank!(x, x => {
        let scaled = Tensor::div(x, scale.try_into()?);
        let rounding = (scaled.clone().round() - scaled.clone()).detach();
        let rounded = Tensor::add(scaled + rounding, zero_point.try_into()?);
        Ok(rounded.clamp(least as f64, most as f64).into())
    })
}

/// `(x − zero point) · scale`.
pub(super) fn backward(quantize: Quantize, operands: &mut Operands) -> Result<Floats, String> {
    let (x, scale, zero_point) = scaling(quantize, operands)?;
    on_rank!(x, x => {
        let shifted = Tensor::sub(x, zero_point.try_into()?);
        Ok(Tensor::mul(shifted, scale.try_into()?).into())
    })
}

/// x, scale and zero point, the last two ready to broadcast.
fn scaling(
    quantize: Quantize,
    operands: &mut Operands,
) -> Result<(Floats, Floats, Floats), String> {
    let scale_dims = &operands.dims[1];
    let x = operands.floats(0)?;
    let dims = quantize.scale_dims(&operands.dims[0], scale_dims)?;
    let scale = operands.floats(1)?.reshape(&dims)?;
    let zero_point = match operands.optional_floats(2)? {
        Some(zero_point) => zero_point.reshape(&dims)?,
        None => {
            let count = dims.iter().product();
            Floats::new(vec![0.0; count], &dims, operands.device)?
        }
    };
    Ok((x, scale, zero_point))
}
