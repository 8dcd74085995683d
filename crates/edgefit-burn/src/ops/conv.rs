//! Conv and ConvTranspose.

mod axis;
mod backward;
mod before_activation;
mod dense;
mod depthwise;
mod kernels;
mod pointwise;
mod winograd;

use burn::tensor::Tensor;
use burn::tensor::module::{
    conv_transpose1d, conv_transpose2d, conv_transpose3d, conv1d, conv2d, conv3d,
};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use edgefit_graph::ops::{Conv, ConvTranspose, Extent, TransposedExtent};

use super::activation::{Activation, activate};
use super::operands::Operands;
use crate::backend::runs_kernels;
use crate::value::{Floats, on_rank};
use axis::Axis;
pub(crate) use dense::Dense;
pub(crate) use depthwise::depthwise_scratch;
pub(crate) use kernels::ConvolutionKernel;
use kernels::{Convolution, convolve};
pub(crate) use pointwise::{is_single_product, pointwise_scratch};
pub(crate) use winograd::{Purpose, Winograd};

pub(super) fn forward(conv: &Conv, operands: &mut Operands) -> Result<Floats, String> {
    let x = operands.floats(0)?;
    let weight = operands.floats(1)?;
    let bias = bias(operands)?;
    convolution(conv, (x, weight, bias), Activation::Identity)
}

/// The activation of the convolution of the first by the second, plus the third.
pub(super) fn convolution(
    conv: &Conv,
    (x, weight, bias): (Floats, Floats, Option<Tensor<1>>),
    activation: Activation,
) -> Result<Floats, String> {
    let extents = conv.extents(&x.dims(), &weight.dims())?;
    let made: Floats = match *extents.as_slice() {
        [a] => conv1d(
            x.try_into()?,
            weight.try_into()?,
            bias,
            options([a], conv.groups),
        )
        .into(),
        [a, b] => {
            let kernel = convolution_kernel(&x.dims(), &weight.dims(), [a, b], conv.groups);
            let (x, weight): (Tensor<4>, Tensor<4>) = (x.try_into()?, weight.try_into()?);
            match kernel.filter(|_| runs_kernels(&x.device())) {
                None => conv2d(x, weight, bias, options([a, b], conv.groups)).into(),
                Some(kernel) => {
                    let fused = Convolution { kernel, activation };
                    return Ok(convolve(x, weight, bias, fused).into());
                }
            }
        }
        [a, b, c] => {
            // burn pads both sides of a volume by the same amount only.
            let x: Tensor<5> = x.try_into()?;
            let [front, top, left] = [a, b, c].map(|extent| (extent.before, extent.after));
            let x = x.pad([(0, 0), (0, 0), front, top, left], 0.0);
            let unpadded = [a, b, c].map(|extent| Extent {
                before: 0,
                after: 0,
                ..extent
            });
            conv3d(x, weight.try_into()?, bias, options(unpadded, conv.groups)).into()
        }
        _ => return Err("convolutions over four or more dimensions are not supported".into()),
    };
    Ok(on_rank!(made, made => activate(made, activation).into()))
}

/// Most elements of scratch of a depthwise convolution: so many times its input and output planes, plus
/// a constant. A file's strides and padding cannot make it allocate more.
const MOST_TIMES: u64 = 8;
const MOST_CONSTANT: u64 = 1 << 14;

/// The kernel of our own that computes a convolution, if one does.
pub(crate) fn convolution_kernel(
    x: &[usize],
    weight: &[usize],
    extents: [Extent; 2],
    groups: usize,
) -> Option<ConvolutionKernel> {
    if [x, weight].iter().any(|dims| dims.contains(&0)) {
        return None;
    }
    let single = |extent: &Extent| {
        extent.kernel == 1 && extent.stride == 1 && extent.before + extent.after == 0
    };
    if groups == 1 && extents.iter().all(single) {
        return Some(ConvolutionKernel::Pointwise);
    }
    let [height, width] = extents;
    let axes = [(x[2], height), (x[3], width)].map(|(input, extent)| Axis { input, extent });
    if groups == 1 {
        return Some(ConvolutionKernel::Dense(axes));
    }
    let planes = x[2] * x[3] + height.output * width.output;
    let most = MOST_TIMES.saturating_mul(planes as u64) + MOST_CONSTANT;
    (groups > 1 && groups == x[1] && groups == weight[0] && depthwise_scratch(axes) <= most)
        .then_some(ConvolutionKernel::Depthwise(axes))
}

fn options<const N: usize>(extents: [Extent; N], groups: usize) -> ConvOptions<N> {
    ConvOptions::new_with_padding(
        extents.map(|extent| extent.stride),
        extents.map(|extent| (extent.before, extent.after)),
        extents.map(|extent| extent.dilation),
        groups,
    )
}

pub(super) fn transposed(conv: &ConvTranspose, operands: &mut Operands) -> Result<Floats, String> {
    let x = operands.floats(0)?;
    let weight = operands.floats(1)?;
    let stretches = conv.extents(&x.dims(), &weight.dims())?;
    let groups = conv.groups;
    let full: Floats = match *stretches.as_slice() {
        [a] => conv_transpose1d(
            x.try_into()?,
            weight.try_into()?,
            None,
            untrimmed([a], groups),
        )
        .into(),
        [a, b] => conv_transpose2d(
            x.try_into()?,
            weight.try_into()?,
            None,
            untrimmed([a, b], groups),
        )
        .into(),
        [a, b, c] => {
            let options = untrimmed([a, b, c], groups);
            conv_transpose3d(x.try_into()?, weight.try_into()?, None, options).into()
        }
        _ => return Err("convolutions over four or more dimensions are not supported".into()),
    };
    let bias = bias(operands)?;
    Ok(on_rank!(full, full => {
        // The padding is cut off; outputs beyond the full result are zeros.
        let mut trimmed = full;
        for (index, stretch) in stretches.iter().enumerate() {
            let kept = stretch.output.min(stretch.full - stretch.before);
            trimmed = trimmed.narrow(index + 2, stretch.before, kept);
            let missing = stretch.output - kept;
            if missing > 0 {
                let mut pairs = trimmed.dims().map(|_| (0, 0));
                pairs[index + 2].1 = missing;
                trimmed = trimmed.pad(pairs, 0.0);
            }
        }
        match bias {
            None => trimmed,
            Some(bias) => {
                let mut shape = trimmed.dims().map(|_| 1);
                shape.iter_mut().skip(1).take(1).for_each(|size| *size = bias.dims()[0]);
                trimmed + bias.reshape(shape)
            }
        }
        .into()
    }))
}

fn untrimmed<const N: usize>(
    stretches: [TransposedExtent; N],
    groups: usize,
) -> ConvTransposeOptions<N> {
    ConvTransposeOptions::new(
        stretches.map(|stretch| stretch.stride),
        [0; N],
        [0; N],
        stretches.map(|stretch| stretch.dilation),
        groups,
    )
}

fn bias(operands: &mut Operands) -> Result<Option<Tensor<1>>, String> {
    operands
        .optional_floats(2)?
        .map(Tensor::try_from)
        .transpose()
}
