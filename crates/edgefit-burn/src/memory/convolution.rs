//! Convolution, whose scratch is larger than what it keeps.

use std::thread::available_parallelism;

use edgefit_graph::ops::{Conv, Extent};

use super::keeps::{FLOAT, Gradient, Keeps, Place, bytes};
use crate::program::Step;

/// Most columns of a tile of `burn_flex::ops::conv`.
const TILE: u64 = 512;

/// Most bytes of the columns of a transposed convolution in `burn_flex::ops::conv_transpose`.
const COLUMNS: u64 = 8 << 20;

/// Channels into and out of a convolution that flex sums up directly, at most.
const FEW_IN: usize = 4;
const FEW_OUT: usize = 16;

/// The operands are kept whatever is trained. The input is brought to channels-last for tiles of
/// columns, unless the kernel is of one element, each channel has its own, or there are few of them.
/// The gradient of the weight is a convolution of the input by the gradient of the result, both with
/// batch and channels swapped, so both are copied twice; that of the input is a transposed one.
pub(super) fn keeps(conv: &Conv, step: &Step, tracked: &[bool]) -> Keeps {
    let mut keeps = Keeps::new(Place::New, Gradient::New);
    keeps.operands = vec![0, 1, 2];
    let (Some(x), Some(w), Some(y)) = (
        step.input_dims.first().filter(|dims| dims.len() > 2),
        step.input_dims.get(1),
        step.types.first().map(|ty| &ty.dims),
    ) else {
        return keeps;
    };
    let Ok(extents) = conv.extents(x, w) else {
        return keeps;
    };
    let threads = available_parallelism().map_or(1, |threads| threads.get() as u64);
    let count = |dims: &[usize]| dims.iter().product::<usize>() as u64;
    let lopsided = |extent: &Extent| extent.before != extent.after;
    // Where the padding differs between the sides, a padded copy is made first.
    let (source, padded) = match extents.iter().any(lopsided) {
        true => {
            let along = |(size, extent): (&usize, &Extent)| size + extent.before + extent.after;
            let spatial: Vec<usize> = x[2..].iter().zip(&extents).map(along).collect();
            let copy = bytes(&[&x[..2], &spatial].concat());
            (copy, copy)
        }
        false => (bytes(x), 0),
    };
    let whole = |extent: &Extent| {
        extent.kernel == 1 && extent.stride == 1 && extent.before + extent.after == 0
    };
    let pointwise = extents.iter().all(whole);
    let depthwise = w[1] == 1 && conv.groups == x[1] && w[0] == x[1];
    let few = |channels_in: usize, channels_out: usize| {
        conv.groups == 1 && channels_in <= FEW_IN && channels_out <= FEW_OUT
    };
    let tiles = |columns: u64, length: u64| threads * columns.min(TILE) * length * FLOAT;

    keeps.forward = padded;
    if !pointwise && !depthwise && !few(x[1], w[0]) {
        let length = count(&w[1..]) + (w[0] / conv.groups) as u64;
        keeps.forward += source + bytes(w) + tiles(count(&y[2..]), length);
    }

    let is_tracked = |index: usize| tracked.get(index) == Some(&true);
    let for_input = match is_tracked(0) {
        true => padded + threads * COLUMNS.min(FLOAT * count(&w[1..]) * count(&y[2..])),
        false => 0,
    };
    let for_weight = match (is_tracked(1), conv.groups) {
        (false, _) => 0,
        (true, 1) => {
            let copies = padded + source + bytes(y);
            let single = y[2..].iter().all(|&size| size == 1);
            match single || few(x[0], w[0]) {
                true => copies,
                false => {
                    let length = x[0] as u64 * count(&y[2..]) + w[0] as u64;
                    copies + source + bytes(y) + tiles(count(&w[2..]), length)
                }
            }
        }
        (true, groups) => padded + 2 * (source + bytes(y)) / groups as u64,
    };
    let for_bias = if is_tracked(2) { bytes(y) } else { 0 };
    keeps.backward = for_input.max(for_weight).max(for_bias);
    keeps
}
