//! Functions of one element as tables, and softmax.

use edgefit_graph::ops::Unary;
use statrs::function::erf::erf;

use super::table::table;
use super::view::{Builder, Made, View};
use crate::ops::{Op, Softmax, WIDEST_ROW};
use crate::program::Quantization;

/// `function` of `x`.
pub(super) fn value_of(function: Unary, x: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    match function {
        Unary::Identity => x,
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu { alpha } => x.max(0.0) + f64::from(alpha) * x.min(0.0),
        Unary::Elu { alpha } => x.max(0.0) + f64::from(alpha) * x.min(0.0).exp_m1(),
        Unary::Clip { min, max } => x.max(min).min(max),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::HardSigmoid { alpha, beta } => {
            (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0)
        }
        Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Unary::Tanh => x.tanh(),
        Unary::Softplus => softplus(x),
        Unary::Mish => x * softplus(x).tanh(),
        Unary::Gelu { tanh: false } => x * 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        Unary::Gelu { tanh: true } => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Unary::Erf => erf(x),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sign if x == 0.0 => 0.0,
        Unary::Sign => x.signum(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Ceil => x.ceil(),
        Unary::Floor => x.floor(),
        Unary::Round => x.round_ties_even(),
        Unary::Not => f64::from(u8::from(x == 0.0)),
    }
}

/// Functions one after another.
pub(super) fn functions(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (functions, to): (&[Unary], Quantization),
) -> Result<View, String> {
    let chain = |x: f64| {
        functions
            .iter()
            .fold(x, |x, &function| value_of(function, x))
    };
    let op = table(view.quantization, to, chain);
    let mut made = View {
        quantization: to,
        ..view.clone()
    };
    let functions = Made {
        functions: functions.to_vec(),
        ..made.ty().into()
    };
    made.source = builder.apply(node, op, view, functions)?;
    Ok(made)
}

/// Softmax over dimension `axis`.
pub(super) fn softmax(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (axis, to): (usize, Quantization),
) -> Result<View, String> {
    /// What TFLite prescribes.
    const SHARES: Quantization = Quantization {
        scale: 1.0 / 256.0,
        zero_point: -128,
    };
    let width = view.dims[axis];
    if width > WIDEST_ROW {
        return Err(format!(
            "over {width} elements its sum leaves 32 bits; {WIDEST_ROW} are the most: cut the softmax off"
        ));
    }
    let mut order: Vec<usize> = view
        .order
        .iter()
        .copied()
        .filter(|&at| at != axis)
        .collect();
    order.push(axis);
    let view = builder.arranged(node, view, &order)?;
    let rows = view.elements() / width;
    let op = Op::Softmax(Softmax::new(rows, width, view.quantization.scale));
    let made = Made::of(view.memory_dims(), SHARES);
    let source = builder.apply(node, op, &view, made)?;
    let made = View {
        source,
        quantization: SHARES,
        ..view
    };
    builder.requantized(node, &made, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_at_known_points() {
        for (function, x, y) in [
            (Unary::HardSwish, 1.0, 4.0 / 6.0),
            (Unary::Gelu { tanh: false }, 1.0, 0.841_344_746),
            (Unary::Gelu { tanh: true }, 1.0, 0.841_191_991),
            (Unary::Softplus, -800.0, 0.0),
            (Unary::Mish, 1.0, 0.865_098_388),
            (Unary::Elu { alpha: 2.0 }, -1.0, -1.264_241_118),
            (Unary::Clip { min: 0.0, max: 6.0 }, 9.0, 6.0),
        ] {
            assert!((value_of(function, x) - y).abs() < 1e-8, "{function:?}");
        }
    }
}
