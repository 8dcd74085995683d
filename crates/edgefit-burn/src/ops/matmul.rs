//! Gemm and MatMul.

use burn::tensor::Tensor;
use edgefit_graph::ops::Gemm;

use super::activation::Activation;
use super::linear::{Linear, Orientation};
use super::operands::Operands;
use crate::value::{Floats, on_rank};

/// The result has the shape `dims`.
pub(super) fn gemm(gemm: &Gemm, operands: &mut Operands, dims: &[usize]) -> Result<Floats, String> {
    let bias = operands.values.get(2).and_then(Option::as_ref);
    let by_column = bias.is_none_or(|bias| {
        let (bias, columns) = (bias.dims(), dims.last());
        bias.last() == columns
            && bias.iter().product::<usize>() == bias.last().copied().unwrap_or(0)
    });
    if let Some(layer) = Linear::of_gemm(gemm).filter(|_| by_column) {
        return layer.forward(operands, dims);
    }
    let mut a: Tensor<2> = operands.tensor(0)?;
    let mut b: Tensor<2> = operands.tensor(1)?;
    if gemm.trans_a {
        a = a.transpose();
    }
    if gemm.trans_b {
        b = b.transpose();
    }
    let mut product = a.matmul(b);
    if gemm.alpha != 1.0 {
        product = product * gemm.alpha;
    }
    let Some(c) = operands.optional_floats(2)? else {
        return Ok(product.into());
    };
    let c: Tensor<2> = c.padded_to(2)?.try_into()?;
    let c = if gemm.beta == 1.0 { c } else { c * gemm.beta };
    Ok((product + c).into())
}

/// The result has the shape `dims`.
pub(super) fn matmul(operands: &mut Operands, dims: &[usize]) -> Result<Floats, String> {
    if let [_, weight] = operands.dims
        && weight.len() == 2
    {
        return Linear {
            orientation: Orientation::InputsFirst,
            activation: Activation::Identity,
        }
        .forward(operands, dims);
    }
    let (a, b) = (operands.floats(0)?, operands.floats(1)?);
    // A vector is a row on the left and a column on the right; both get as many dimensions as the
    // larger of them.
    let (mut left, mut right) = (a.dims(), b.dims());
    if left.len() == 1 {
        left.insert(0, 1);
    }
    if right.len() == 1 {
        right.push(1);
    }
    let rank = left.len().max(right.len());
    let a = a.reshape(&left)?.padded_to(rank)?;
    let b = b.reshape(&right)?.padded_to(rank)?;
    let product: Floats = on_rank!(a, a => match a.dims().len() {
        0 | 1 => return Err("a matrix product needs matrices".into()),
        _ => a.matmul(b.try_into()?).into(),
    });
    product.reshape(dims)
}
