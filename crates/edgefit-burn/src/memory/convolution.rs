//! Convolution, whose scratch is larger than what it keeps.

use std::thread::available_parallelism;

use edgefit_graph::ops::{Conv, Extent};

use super::keeps::{FLOAT, Gradient, Keeps, Place, bytes};
use crate::ops::{Kernel, is_single_product, kernel, scratch};
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
    if let [height, width] = *extents
        && let Some(kernel) = kernel(x, w, [height, width], conv.groups)
    {
        return of_ours(kernel, [x, w, y], tracked);
    }
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

    keeps.forward = vec![padded];
    if !pointwise && !depthwise && !few(x[1], w[0]) {
        let length = count(&w[1..]) + (w[0] / conv.groups) as u64;
        let tiles = tiles(count(&y[2..]), length);
        keeps.forward.extend([bytes(w), source, tiles]);
    }

    let is_tracked = |index: usize| tracked.get(index) == Some(&true);
    let mut backward = Vec::new();
    if is_tracked(0) {
        let columns = COLUMNS.min(FLOAT * count(&w[1..]) * count(&y[2..]));
        backward.push(vec![padded, threads * columns]);
    }
    if is_tracked(1) && conv.groups == 1 {
        let mut scratch = vec![padded, source, bytes(y)];
        let single = y[2..].iter().all(|&size| size == 1);
        if !single && !few(x[0], w[0]) {
            let length = x[0] as u64 * count(&y[2..]) + w[0] as u64;
            scratch.extend([bytes(y), source, tiles(count(&w[2..]), length)]);
        }
        backward.push(scratch);
    } else if is_tracked(1) {
        let groups = conv.groups as u64;
        backward.push(vec![padded, 2 * (source + bytes(y)) / groups]);
    }
    if is_tracked(2) {
        backward.push(vec![bytes(y)]);
    }
    // One after the other; the largest counts.
    let largest = backward
        .into_iter()
        .max_by_key(|sizes| sizes.iter().sum::<u64>());
    keeps.backward = largest.unwrap_or_default();
    keeps
}

/// What our own kernels keep: input and weight, whatever is trained. A single product of all samples
/// works on copies in which these lie side by side, as the gradient of every pointwise weight does.
/// Depthwise kernels take the phases of a plane for each thread. The gradient of a bias is a sum over a copy.
fn of_ours(kernel: Kernel, [x, w, y]: [&[usize]; 3], tracked: &[bool]) -> Keeps {
    let mut keeps = Keeps::new(Place::New, Gradient::New);
    keeps.operands = vec![0, 1];
    let is_tracked = |index: usize| tracked.get(index) == Some(&true);
    let bias = if is_tracked(2) { bytes(y) } else { 0 };
    let sizes = match kernel {
        Kernel::Pointwise => {
            let single = is_single_product(w[1], w[0], x[2..].iter().product());
            if single {
                keeps.forward = vec![bytes(x), bytes(y)];
            }
            match is_tracked(1) || (is_tracked(0) && single) {
                true => vec![bytes(x), bytes(y)],
                false => Vec::new(),
            }
        }
        Kernel::Depthwise(axes) => {
            let threads = available_parallelism().map_or(1, |threads| threads.get() as u64);
            let planes = threads * scratch(axes) * FLOAT;
            keeps.forward = vec![planes];
            vec![planes]
        }
    };
    keeps.backward = match sizes.iter().sum::<u64>() < bias {
        true => vec![bias],
        false => sizes,
    };
    keeps
}
