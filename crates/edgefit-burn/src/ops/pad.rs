//! Pad.

use burn::tensor::{Device, Tensor};
use edgefit_graph::ops::{Pad, PadFill};

use super::operands::indices;
use crate::value::{Floats, on_rank};

pub(super) fn forward(pad: &Pad, x: Floats, device: &Device) -> Result<Floats, String> {
    let amounts = pad.amounts(x.dims().len())?;
    Ok(on_rank!(x, x => match pad.fill {
        PadFill::Constant(value) => with_value(x, &amounts, value),
        _ => with_elements(pad, x, &amounts, device),
    }.into()))
}

fn with_value<const D: usize>(x: Tensor<D>, amounts: &[(i64, i64)], value: f32) -> Tensor<D> {
    let mut kept = x;
    for (axis, &(before, after)) in amounts.iter().enumerate() {
        let off = |amount: i64| amount.min(0).unsigned_abs() as usize;
        let size = kept.dims()[axis];
        if before < 0 || after < 0 {
            kept = kept.narrow(axis, off(before), size - off(before) - off(after));
        }
    }
    let on = |amount: i64| amount.max(0) as usize;
    let pairs: [(usize, usize); D] =
        std::array::from_fn(|axis| (on(amounts[axis].0), on(amounts[axis].1)));
    if pairs.iter().all(|pair| *pair == (0, 0)) {
        kept
    } else {
        kept.pad(pairs, value)
    }
}

fn with_elements<const D: usize>(
    pad: &Pad,
    x: Tensor<D>,
    amounts: &[(i64, i64)],
    device: &Device,
) -> Tensor<D> {
    let mut padded = x;
    for (axis, &(before, after)) in amounts.iter().enumerate() {
        if (before, after) != (0, 0) {
            let size = padded.dims()[axis];
            let sources = (-before..size as i64 + after).filter_map(|at| pad.source(at, size));
            padded = padded.select(axis, indices(sources.collect(), device));
        }
    }
    padded
}
