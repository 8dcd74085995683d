//! How convolutions use memory: their scratch is larger than what they keep.

use edgefit_base::threads;
use edgefit_graph::ops::{Conv, Extent};

use super::op_memory::{FLOAT_BYTES, GradientMemory, OpMemory, ResultMemory, tensor_bytes};
use crate::ops::{
    Activation, ConvolutionKernel, Dense, Kept, Purpose, Winograd, convolution_kernel,
    depthwise_scratch, is_single_product, pointwise_scratch,
};
use crate::program::Step;

/// Most columns of a tile of `burn_flex::ops::conv`.
const TILE: u64 = 512;

/// Most bytes of the columns of a transposed convolution in `burn_flex::ops::conv_transpose`.
const COLUMNS: u64 = 8 << 20;

/// Most channels into and out of a convolution that burn-flex sums directly.
const FEW_IN: usize = 4;
const FEW_OUT: usize = 16;

/// The operands are kept whatever is trained. The input is brought to channels-last for tiles of
/// columns, unless the kernel is of one element, each channel has its own, or there are few of them.
/// The gradient of the weight is a convolution of the input by the gradient of the result, both with
/// batch and channels swapped, so both are copied twice; that of the input is a transposed one.
pub(super) fn conv_memory(
    conv: &Conv,
    activation: Activation,
    step: &Step,
    tracked: &[bool],
) -> OpMemory {
    let mut memory = OpMemory::new(ResultMemory::New, GradientMemory::New);
    memory.operands = vec![0, 1, 2];
    keep_for_activation(&mut memory, activation, step);
    let (Some(x), Some(w), Some(y)) = (
        step.input_dims.first().filter(|dims| dims.len() > 2),
        step.input_dims.get(1),
        step.types.first().map(|ty| &ty.dims),
    ) else {
        return memory;
    };
    let Ok(extents) = conv.extents(x, w) else {
        return memory;
    };
    if let [height, width] = *extents
        && let Some(kernel) = convolution_kernel(x, w, [height, width], conv.groups)
    {
        let mut memory = our_kernel_memory(kernel, [x, w, y], tracked);
        if activation != Activation::Identity && !matches!(kernel, ConvolutionKernel::Depthwise(_))
        {
            memory.backward.push(tensor_bytes(y));
        }
        keep_for_activation(&mut memory, activation, step);
        return memory;
    }
    let threads = threads() as u64;
    let count = |dims: &[usize]| dims.iter().product::<usize>() as u64;
    let lopsided = |extent: &Extent| extent.before != extent.after;
    // Where the padding differs between the sides, a padded copy is made first.
    let (source, padded) = if extents.iter().any(lopsided) {
        let along = |(size, extent): (&usize, &Extent)| size + extent.before + extent.after;
        let spatial: Vec<usize> = x[2..].iter().zip(&extents).map(along).collect();
        let copy = tensor_bytes(&[&x[..2], &spatial].concat());
        (copy, copy)
    } else {
        (tensor_bytes(x), 0)
    };
    let whole = |extent: &Extent| {
        extent.kernel == 1 && extent.stride == 1 && extent.before + extent.after == 0
    };
    let pointwise = extents.iter().all(whole);
    let depthwise = w[1] == 1 && conv.groups == x[1] && w[0] == x[1];
    let few = |channels_in: usize, channels_out: usize| {
        conv.groups == 1 && channels_in <= FEW_IN && channels_out <= FEW_OUT
    };
    let tiles = |columns: u64, length: u64| threads * columns.min(TILE) * length * FLOAT_BYTES;

    memory.forward = vec![padded];
    if !pointwise && !depthwise && !few(x[1], w[0]) {
        let length = count(&w[1..]) + (w[0] / conv.groups) as u64;
        let tiles = tiles(count(&y[2..]), length);
        memory.forward.extend([tensor_bytes(w), source, tiles]);
    }

    let is_tracked = |index: usize| tracked.get(index) == Some(&true);
    let mut backward = Vec::new();
    if is_tracked(0) {
        let columns = COLUMNS.min(FLOAT_BYTES * count(&w[1..]) * count(&y[2..]));
        backward.push(vec![padded, threads * columns]);
    }
    if is_tracked(1) && conv.groups == 1 {
        let mut scratch = vec![padded, source, tensor_bytes(y)];
        let single = y[2..].iter().all(|&size| size == 1);
        if !single && !few(x[0], w[0]) {
            let length = x[0] as u64 * count(&y[2..]) + w[0] as u64;
            scratch.extend([tensor_bytes(y), source, tiles(count(&w[2..]), length)]);
        }
        backward.push(scratch);
    } else if is_tracked(1) {
        let groups = conv.groups as u64;
        backward.push(vec![padded, 2 * (source + tensor_bytes(y)) / groups]);
    }
    if is_tracked(2) {
        backward.push(vec![tensor_bytes(y)]);
    }
    // One after the other; the largest counts.
    let largest = backward
        .into_iter()
        .max_by_key(|sizes| sizes.iter().sum::<u64>());
    memory.backward = largest.unwrap_or_default();
    memory
}

/// What the backward pass of the activation behind a convolution reads: the result, or the sums.
fn keep_for_activation(memory: &mut OpMemory, activation: Activation, step: &Step) {
    match activation.kept() {
        Kept::Nothing => {}
        Kept::Result => memory.keeps_result = true,
        Kept::Operand => {
            let y = step.types.first().map_or(0, |ty| tensor_bytes(&ty.dims));
            memory.intermediates += y;
        }
    }
}

/// Our own kernels keep input and weight, whatever is trained. A single product of all samples works
/// on copies in which these lie side by side, as the gradient of its weight does. Other pointwise ones sum the
/// gradients of the weight of some groups of images. Dense ones lay out the patches of a tile for each thread,
/// depthwise ones the phases of a plane.
fn our_kernel_memory(
    kernel: ConvolutionKernel,
    [x, w, y]: [&[usize]; 3],
    tracked: &[bool],
) -> OpMemory {
    let mut memory = OpMemory::new(ResultMemory::New, GradientMemory::New);
    memory.operands = vec![0, 1];
    let threads = threads();
    match kernel {
        ConvolutionKernel::Pointwise => {
            if is_single_product(w[1], w[0], x[2..].iter().product()) {
                memory.forward = vec![tensor_bytes(x), tensor_bytes(y)];
                memory.backward = memory.forward.clone();
            } else {
                let [tile, sums] = pointwise_scratch(x[0], w[1], w[0]);
                let sums = if tracked.get(1) == Some(&true) {
                    sums
                } else {
                    0
                };
                memory.backward = vec![(threads * tile + sums) as u64 * FLOAT_BYTES];
            }
        }
        ConvolutionKernel::Dense(axes) => {
            let [forward, backward] = match Winograd::of(x, w, axes, Purpose::Training) {
                Some(of) => of.scratch(threads),
                None => [Dense::new(x, w, axes).scratch(threads); 2],
            };
            memory.forward = vec![forward * FLOAT_BYTES];
            memory.backward = vec![backward * FLOAT_BYTES];
        }
        ConvolutionKernel::Depthwise(axes) => {
            let planes = threads as u64 * depthwise_scratch(axes) * FLOAT_BYTES;
            memory.forward = vec![planes];
            memory.backward = vec![2 * planes];
        }
    }
    memory
}
