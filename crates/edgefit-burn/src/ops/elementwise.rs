//! Functions of one, two and several elements.

use burn::tensor::{Tensor, activation};
use edgefit_graph::ops::{Binary, Unary, Variadic};

use super::activation::{Activation, activate};
use super::expand;
use super::operands::Operands;
use super::planes::gated;
use crate::value::{Floats, mask, on_rank};

pub(super) fn unary(op: Unary, x: Floats) -> Result<Floats, String> {
    if let Some(activation) = Activation::of(op) {
        return Ok(on_rank!(x, x => activate(x, activation).into()));
    }
    Ok(on_rank!(x, x => match op {
        Unary::LeakyRelu { alpha } => activation::leaky_relu(x, f64::from(alpha)),
        Unary::Elu { alpha } => {
            // Where the exponential overflows, its slope times a gradient of 0 is not a number.
            let above = x.clone().greater_scalar(0);
            let below = x.clone().mask_fill(above.clone(), 0.0).exp() - 1.0;
            (below * f64::from(alpha)).mask_where(above, x)
        }
        // The specification's order: the upper limit wins where the two cross.
        Unary::Clip { min, max } => x.clamp_min(min).clamp_max(max),
        Unary::Tanh => x.tanh(),
        Unary::Softplus => activation::softplus(x, 1.0),
        Unary::Mish => activation::mish(x),
        Unary::Gelu { .. } => activation::gelu_approximate(x),
        Unary::Erf => x.erf(),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Neg => x.neg(),
        Unary::Abs => x.abs(),
        Unary::Sign => x.sign(),
        Unary::Reciprocal => x.recip(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Ceil => x.ceil(),
        Unary::Floor => x.floor(),
        Unary::Round => x.round(),
        other => return Err(format!("{other:?} is not computed in burn")),
    }.into()))
}

/// The operands are broadcast to `rank` dimensions.
pub(super) fn binary(op: Binary, operands: &mut Operands, rank: usize) -> Result<Floats, String> {
    let a = operands.floats(0)?.padded_to(rank)?;
    let b = operands.floats(1)?.padded_to(rank)?;
    let (of_a, of_b) = (a.dims(), b.dims());
    if op == Binary::Mul && is_gate(&of_b, &of_a) {
        return Ok(gated(a.try_into()?, b.try_into()?).into());
    }
    if op == Binary::Mul && is_gate(&of_a, &of_b) {
        return Ok(gated(b.try_into()?, a.try_into()?).into());
    }
    on_rank!(a, a => {
        let b = b.try_into()?;
        Ok(match op {
            Binary::Add => a.add(b),
            Binary::Sub => a.sub(b),
            Binary::Mul => a.mul(b),
            Binary::Div => a.div(b),
            Binary::Pow => power(a, b),
            Binary::Mod { fmod } => {
                let quotient = a.clone().div(b.clone());
                // Whole numbers have no slope: only a and b carry the gradient.
                let whole = if fmod {
                    quotient.clone().sign() * quotient.abs().floor()
                } else {
                    quotient.floor()
                };
                a - b * whole.detach()
            }
            Binary::PRelu => a.clone().clamp_min(0.0) + a.clamp_max(0.0) * b,
            Binary::Equal
            | Binary::Less
            | Binary::LessOrEqual
            | Binary::Greater
            | Binary::GreaterOrEqual
            | Binary::And
            | Binary::Or
            | Binary::Xor => return Err("it makes booleans, which are not computed in burn".into()),
        }.into())
    })
}

/// Whether `gate` has a number for each of the planes of a batch of images.
pub(crate) fn is_gate(gate: &[usize], planes: &[usize]) -> bool {
    match *planes {
        [samples, channels, height, width] => {
            height * width > 1 && gate == [samples, channels, 1, 1]
        }
        _ => false,
    }
}

/// A power by a single exponent has an exact gradient for bases below 0, too.
fn power<const D: usize>(base: Tensor<D>, exponent: Tensor<D>) -> Tensor<D> {
    let single = exponent.shape().num_elements() == 1 && !exponent.is_require_grad();
    match single.then(|| exponent.clone().try_into_scalar::<f32>()) {
        Some(Ok(2.0)) => base.square(),
        Some(Ok(exponent)) if exponent.fract() == 0.0 && exponent.abs() < 64.0 => {
            base.powi_scalar(exponent as i32)
        }
        Some(Ok(exponent)) => base.powf_scalar(exponent),
        _ => {
            let shape: [usize; D] = {
                let (a, b) = (base.dims(), exponent.dims());
                std::array::from_fn(|axis| a[axis].max(b[axis]))
            };
            base.expand(shape).powf(exponent.expand(shape))
        }
    }
}

/// The operands are broadcast to `rank` dimensions.
pub(super) fn variadic(
    op: Variadic,
    operands: &mut Operands,
    rank: usize,
) -> Result<Floats, String> {
    let mut operands = operands.all_floats()?.into_iter();
    let count = operands.len();
    let first = operands.next().ok_or("no operands")?.padded_to(rank)?;
    on_rank!(first, first => {
        let mut result = first;
        for operand in operands {
            let other = operand.padded_to(rank)?.try_into()?;
            result = match op {
                Variadic::Sum | Variadic::Mean => result.add(other),
                Variadic::Max => larger(result, other),
                Variadic::Min => larger(result.neg(), other.neg()).neg(),
            };
        }
        Ok(match op {
            Variadic::Mean => result / count as f64,
            _ => result,
        }.into())
    })
}

/// The larger of each two elements.
fn larger<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let (of_a, of_b) = (a.dims(), b.dims());
    let shape: [usize; D] = std::array::from_fn(|axis| of_a[axis].max(of_b[axis]));
    a.expand(shape).max_pair(b.expand(shape))
}

/// The result has the shape `dims`.
pub(super) fn choose(operands: &mut Operands, dims: &[usize]) -> Result<Floats, String> {
    let condition = operands.host(0)?;
    let yes = expand::forward(operands.floats(1)?, dims)?;
    let no = expand::forward(operands.floats(2)?, dims)?;
    on_rank!(no, no => {
        let shape = no.dims();
        let own = condition.dims();
        let mut own_dims = shape.map(|_| 1);
        let missing = own_dims.len().saturating_sub(own.len());
        own_dims[missing..].copy_from_slice(own);
        let mask = mask(&condition, own_dims, operands.device)?.expand(shape);
        Ok(no.mask_where(mask, yes.try_into()?).into())
    })
}
