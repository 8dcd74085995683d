//! Several nodes that one kernel computes.

use burn::tensor::Tensor;

use super::activation::activate;
use super::attention::{attend, attend_packed};
use super::conv;
use super::operands::Operands;
use super::{Activation, Attention, AttentionOperands, normalization};
use crate::fused_step::{Fused, FusedConvolution};
use crate::program::{Mode, Step};
use crate::value::{Floats, Value, on_rank};

/// Runs `fused`, which is the work of `step`.
pub(crate) fn run_fused(
    fused: &Fused,
    operands: &mut Operands,
    mode: &mut impl Mode,
    step: &Step,
) -> Result<Value, String> {
    let dims = step.types.first().map_or(&[][..], |ty| ty.dims.as_slice());
    match fused {
        Fused::Activation(activation) => {
            let x = operands.floats(0)?;
            Ok(on_rank!(x, x => activate(x, *activation).into()))
        }
        Fused::Attention(Attention {
            scale,
            operands: read,
        }) => {
            let made = match read {
                AttentionOperands::Packed => attend_packed(operands.tensor(0)?, *scale),
                AttentionOperands::Apart => {
                    let parts = [
                        operands.tensor(0)?,
                        operands.tensor(1)?,
                        operands.tensor(2)?,
                    ];
                    attend(parts, *scale)
                }
            };
            Ok(made.into())
        }
        Fused::FakeQuantize(fake) => {
            let x = operands.floats(0)?;
            let count = operands.dims[1].iter().product();
            let scale: Tensor<1> = operands.floats(1)?.reshape(&[count])?.try_into()?;
            Ok(on_rank!(x, x => fake.forward(x, scale).into()))
        }
        Fused::Linear(layer) => Ok(layer.forward(operands, dims)?.into()),
        Fused::Convolution(fused) => convolution(fused, operands, mode, step.statistics),
    }
}

/// `statistics` are as [`Mode::batch_normalization`] takes them. Normalisation by running statistics is a part of
/// weight and bias; that by the batch's own follows the convolution.
fn convolution(
    fused: &FusedConvolution,
    operands: &mut Operands,
    mode: &mut impl Mode,
    statistics: [Option<usize>; 2],
) -> Result<Value, String> {
    let (x, weight) = (operands.floats(0)?, operands.floats(1)?);
    let bias: Option<Tensor<1>> = operands
        .optional_floats(2)?
        .map(Tensor::try_from)
        .transpose()?;
    let Some(op) = &fused.normalization else {
        return Ok(conv::convolution(&fused.conv, (x, weight, bias), fused.activation)?.into());
    };
    let trained = match operands.values.get(3) {
        Some(Some(Value::Floats(Floats::R1(scale)))) => scale.is_require_grad(),
        _ => false,
    };
    if trained {
        let sums = conv::convolution(&fused.conv, (x, weight, bias), Activation::Identity)?;
        operands.values.splice(..3, [Some(sums.into())]);
        let normalized = mode.batch_normalization(op, operands, statistics)?;
        let normalized = normalized.into_floats(operands.device)?;
        return Ok(on_rank!(normalized, x => activate(x, fused.activation).into()));
    }
    let [factor, offset] = normalization::factor_and_offset(op, operands, 3)?;
    let bias = match bias {
        Some(bias) => offset + bias * factor.clone(),
        None => offset,
    };
    let weight: Floats = on_rank!(weight, weight => {
        let mut shape = weight.dims().map(|_| 1);
        shape[0] = factor.dims()[0];
        if weight.dims()[0] != shape[0] {
            return Err(format!("{} scales for a weight of {:?}", shape[0], weight.dims()));
        }
        (weight * factor.reshape(shape)).into()
    });
    let fused = conv::convolution(&fused.conv, (x, weight, Some(bias)), fused.activation)?;
    Ok(fused.into())
}
