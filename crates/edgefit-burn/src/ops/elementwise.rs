use burn::tensor::activation;
use edgefit_graph::ops::{Binary, Unary};

use super::Operands;
use crate::value::{Value, on_rank};

pub(super) fn unary(op: Unary, x: Value) -> Value {
    on_rank!(x, x => match op {
        Unary::Identity => x,
        Unary::Relu => activation::relu(x),
        Unary::LeakyRelu { alpha } => activation::leaky_relu(x, f64::from(alpha)),
        // The specification's order: the upper limit wins where the two cross.
        Unary::Clip { min, max } if min > max => x.clamp_min(min).clamp_max(max),
        Unary::Clip { min, max } => x.clamp(min, max),
        Unary::Sigmoid => activation::sigmoid(x),
        Unary::HardSigmoid { alpha, beta } => {
            activation::hard_sigmoid(x, f64::from(alpha), f64::from(beta))
        }
        Unary::HardSwish => activation::hard_swish(x),
        Unary::Tanh => x.tanh(),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Neg => x.neg(),
    }.into())
}

/// The operands are broadcast to `rank` dimensions.
pub(super) fn binary(op: Binary, operands: &mut Operands, rank: usize) -> Result<Value, String> {
    let mut operand = |index: usize| {
        let value = operands.take(index)?;
        let dims = value.dims();
        let mut padded = vec![1; rank.saturating_sub(dims.len())];
        match padded.is_empty() {
            true => Ok(value),
            false => {
                padded.extend(dims);
                value.reshape(&padded)
            }
        }
    };
    let (a, b) = (operand(0)?, operand(1)?);
    on_rank!(a, a => {
        let b = b.try_into()?;
        Ok(match op {
            Binary::Add => a.add(b),
            Binary::Sub => a.sub(b),
            Binary::Mul => a.mul(b),
            Binary::Div => a.div(b),
        }.into())
    })
}
