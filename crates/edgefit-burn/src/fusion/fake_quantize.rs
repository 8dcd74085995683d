//! QuantizeLinear → DequantizeLinear of one scale, or of 1 between a quotient and a product by one scale.

use edgefit_graph::ops::{Binary, Op, Unary};

use super::{Chains, Input};
use crate::fused_step::Fused;
use crate::ops::FakeQuantize;

/// Fuses the rounding whose QuantizeLinear step `quantize` is, if it is one.
pub(super) fn fuse(chains: &mut Chains, quantize: usize) {
    if let Some((steps, fake, inputs)) = found(chains, quantize) {
        chains.replace(&steps, Fused::FakeQuantize(fake), inputs);
    }
}

fn found(chains: &Chains, quantize: usize) -> Option<(Vec<usize>, FakeQuantize, Vec<Input>)> {
    let Some(Op::Quantize(op)) = chains.op(quantize) else {
        return None;
    };
    let dequantize = chains.sole_reader(quantize)?;
    let Some(Op::Dequantize(_)) = chains.op(dequantize) else {
        return None;
    };
    let [zero, again] = [quantize, dequantize].map(|step| zero_point(chains, step));
    let zero = zero.filter(|_| zero == again)?;
    let (least, most) = op.limits();
    let mut limits = [least as f64 - zero, most as f64 - zero];
    let [scale, of_steps] = [quantize, dequantize].map(|step| chains.input(step, 1));
    let ones = [&scale, &of_steps].map(|(slot, _)| chains.numbers.get(&(*slot)?).copied());
    let mut steps = vec![quantize, dequantize];
    let (x, scale) = if ones == [Some(1.0); 2] {
        let before = |step: usize| {
            let producer = chains.producer(chains.input(step, 0).0?)?;
            chains
                .sole_reader(producer)
                .filter(|reader| *reader == step)?;
            Some(producer)
        };
        let mut divide = before(quantize)?;
        if let Some(Op::Unary(Unary::Clip { min, max })) = chains.op(divide) {
            // What is clipped is rounded then.
            let [min, max] = [min, max].map(|limit| limit.round_ties_even());
            limits = [limits[0].max(min), limits[1].min(max)];
            steps.insert(0, divide);
            divide = before(divide)?;
        }
        let (x, scale) = (chains.input(divide, 0), chains.input(divide, 1));
        let slot = scale.0?;
        (chains.other(divide, Binary::Div, x.0?)? == slot).then_some(())?;
        let multiply = chains.sole_reader(dequantize)?;
        let factor = chains.other(multiply, Binary::Mul, chains.result(dequantize)?)?;
        (factor == slot).then_some(())?;
        steps.insert(0, divide);
        steps.push(multiply);
        (x, scale)
    } else {
        (scale.0.is_some() && scale == of_steps && scale.1.iter().all(|&size| size == 1))
            .then_some(())?;
        (chains.input(quantize, 0), scale)
    };
    let fake = FakeQuantize {
        least: limits[0],
        most: limits[1],
        axis: axis(&x.1, &scale.1)?,
    };
    (chains.dims(*steps.last()?)? == x.1).then(|| (steps, fake, vec![x, scale]))
}

/// The zero point of a step, if it is one constant; 0 where it has none.
fn zero_point(chains: &Chains, step: usize) -> Option<f64> {
    match chains.input(step, 2).0 {
        Some(slot) => chains.numbers.get(&slot).copied(),
        None => Some(0.0),
    }
}

/// The dimension of `x` that the scales are for, `Some(None)` where there is one scale; `None` where they are not for one
/// dimension alone.
fn axis(x: &[usize], scale: &[usize]) -> Option<Option<usize>> {
    let before = x.len().checked_sub(scale.len())?;
    let mut wide = (0..scale.len()).filter(|&at| scale[at] != 1);
    match (wide.next(), wide.next()) {
        (None, _) => Some(None),
        (Some(at), None) if scale[at] == x[before + at] => Some(Some(before + at)),
        _ => None,
    }
}
