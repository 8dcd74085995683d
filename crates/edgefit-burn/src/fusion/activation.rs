//! Chains of nodes that are one activation: x · Φ(x) by Erf, and x · sigmoid(x).

use edgefit_graph::ops::{Binary, Op, Unary};

use super::Chains;
use crate::fused_step::Fused;
use crate::ops::Activation;

/// Rounding of constants in files.
const NEAR: f64 = 1e-3;

/// Fuses the activation whose Erf or Sigmoid step `inner` is, if it is one.
pub(super) fn fuse(chains: &mut Chains, inner: usize) {
    let found = match chains.op(inner) {
        Some(Op::Unary(Unary::Erf)) => gelu(chains, inner).map(|found| (Activation::Gelu, found)),
        Some(Op::Unary(Unary::Sigmoid)) => {
            silu(chains, inner).map(|found| (Activation::Silu, found))
        }
        _ => None,
    };
    if let Some((activation, (steps, from))) = found {
        chains.replace(&steps, Fused::Activation(activation), vec![from]);
    }
}

type Found = (Vec<usize>, super::Input);

/// x · (1 + erf(x / √2)) / 2, whatever is multiplied first.
fn gelu(chains: &Chains, erf: usize) -> Option<Found> {
    let divided = chains.producer(chains.input(erf, 0).0?)?;
    chains
        .sole_reader(divided)
        .filter(|reader| *reader == erf)?;
    let x = (0..2).find_map(|input| {
        let (slot, dims) = chains.input(divided, input);
        let factor = chains.factor(divided, slot?)?;
        let wanted = std::f64::consts::FRAC_1_SQRT_2;
        ((factor - wanted).abs() < NEAR).then_some((slot, dims))
    })?;
    let slot = x.0?;
    let added = chains.sole_reader(erf)?;
    let one = chains.other(added, Binary::Add, chains.result(erf)?)?;
    is_near(chains.numbers.get(&one), 1.0)?;
    let sum = chains.result(added)?;
    let next = chains.sole_reader(added)?;
    let half = |step: usize, slot: usize| is_near(chains.factor(step, slot).as_ref(), 0.5);
    let (last, besides) = if half(next, sum).is_some() {
        // (1 + erf) · ½, then · x.
        let last = chains.sole_reader(next)?;
        let other = chains.other(last, Binary::Mul, chains.result(next)?)?;
        (other == slot).then_some((last, next))?
    } else {
        let other = chains.other(next, Binary::Mul, sum)?;
        if other == slot {
            // · x, then · ½.
            let last = chains.sole_reader(next)?;
            half(last, chains.result(next)?)?;
            (last, next)
        } else {
            // x · ½ times the sum.
            let halved = chains.producer(other)?;
            half(halved, slot)?;
            chains.sole_reader(halved)?;
            (next, halved)
        }
    };
    let mut steps = vec![divided, erf, added, besides, last];
    let readers = chains.readers.get(&slot)?;
    (readers.len() == 2 && readers.iter().all(|reader| steps.contains(reader))).then(|| {
        steps.sort_unstable();
        steps.dedup();
        (steps, x)
    })
}

fn is_near(number: Option<&f64>, wanted: f64) -> Option<()> {
    ((number? - wanted).abs() < NEAR).then_some(())
}

fn silu(chains: &Chains, sigmoid: usize) -> Option<Found> {
    let x = chains.input(sigmoid, 0);
    let slot = x.0?;
    let last = chains.sole_reader(sigmoid)?;
    let other = chains.other(last, Binary::Mul, chains.result(sigmoid)?)?;
    let readers = chains.readers.get(&slot)?;
    (other == slot && readers.len() == 2).then(|| (vec![sigmoid, last], x))
}
