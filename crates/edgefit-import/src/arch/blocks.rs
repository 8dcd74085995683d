//! The inverted residual block that the mobile networks share.

use crate::builder::{Builder, ConvShape};

/// An activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Relu,
    Relu6,
    HardSwish,
}

/// What the convolutions of a network have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Added to the variance in normalisation.
    pub epsilon: f32,
    pub padding: Padding,
}

/// Padding of the convolutions of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// PyTorch's: as much on both sides.
    Even,
    /// TensorFlow's SAME, which depends on the size of the input.
    Same,
}

/// A convolution and the normalisation behind it.
pub(super) struct ConvNorm<'k> {
    pub keys: &'k Pair,
    pub shape: ConvShape,
    /// Height and width of the input.
    pub side: usize,
    pub style: Style,
}

/// Keys of a convolution and of the normalisation behind it.
pub(super) type Pair = [String; 2];

/// An inverted residual (Sandler et al. 2018, arXiv 1801.04381), with squeeze-and-excitation where
/// it has keys (Hu et al. 2017, arXiv 1709.01507).
pub(super) struct InvertedResidual {
    /// Name of the block.
    pub name: String,
    /// Adds channels; none where the input has as many as the depthwise convolution.
    pub expand: Option<Pair>,
    pub depthwise: Pair,
    /// The two convolutions of squeeze-and-excitation.
    pub squeeze: Option<[String; 2]>,
    pub project: Pair,
    pub inputs: usize,
    /// Channels of the depthwise convolution.
    pub wide: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub activation: Activation,
}

/// Whether a block starts with a convolution that adds channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    AsInput,
    Expanded,
}

impl Width {
    /// The width of a block of `wide` channels behind `inputs` channels.
    pub fn of(inputs: usize, wide: usize) -> Self {
        if wide == inputs {
            Width::AsInput
        } else {
            Width::Expanded
        }
    }
}

/// Keys of an inverted residual.
pub(super) struct BlockKeys {
    pub expand: Option<Pair>,
    pub depthwise: Pair,
    pub project: Pair,
}

impl BlockKeys {
    /// The keys of `block` in timm's layout.
    pub fn timm(block: &str, width: Width) -> Self {
        let pair = |conv: &str, norm: &str| [format!("{block}.{conv}"), format!("{block}.{norm}")];
        if width == Width::Expanded {
            BlockKeys {
                expand: Some(pair("conv_pw", "bn1")),
                depthwise: pair("conv_dw", "bn2"),
                project: pair("conv_pwl", "bn3"),
            }
        } else {
            BlockKeys {
                expand: None,
                depthwise: pair("conv_dw", "bn1"),
                project: pair("conv_pw", "bn2"),
            }
        }
    }
}

pub(super) fn activation(net: &mut Builder, kind: Activation, name: &str, x: &str) -> String {
    match kind {
        Activation::Relu => net.unary("Relu", name, x),
        Activation::Relu6 => net.relu6(name, x),
        Activation::HardSwish => net.unary("HardSwish", name, x),
    }
}

pub(super) fn conv_bn(net: &mut Builder, x: &str, layer: &ConvNorm) -> String {
    let [conv, norm] = layer.keys;
    let pads = match layer.style.padding {
        Padding::Same => layer.shape.same_pads(layer.side),
        Padding::Even => layer.shape.even_pads(),
    };
    let x = net.conv(conv, x, layer.shape, pads);
    net.batch_norm(norm, &x, layer.shape.outputs, layer.style.epsilon)
}

/// The block for an input of `side` × `side` pixels.
pub(super) fn inverted_residual(
    net: &mut Builder,
    block: &InvertedResidual,
    input: &str,
    side: usize,
    style: Style,
) -> String {
    let name = &block.name;
    let layer = |keys, shape, side| ConvNorm {
        keys,
        shape,
        side,
        style,
    };
    let mut x = input.to_owned();
    if let Some(expand) = &block.expand {
        let shape = ConvShape::dense(block.inputs, block.wide, 1, 1);
        x = conv_bn(net, &x, &layer(expand, shape, side));
        x = activation(net, block.activation, &format!("{name}.expand_act"), &x);
    }
    let shape = ConvShape::depthwise(block.wide, block.kernel, block.stride);
    x = conv_bn(net, &x, &layer(&block.depthwise, shape, side));
    x = activation(net, block.activation, &format!("{name}.depthwise_act"), &x);
    if let Some([reduce, expand]) = &block.squeeze {
        let narrow = divisible(block.wide as f64 / 4.0);
        let down = ConvShape::dense(block.wide, narrow, 1, 1);
        let up = ConvShape::dense(narrow, block.wide, 1, 1);
        let mut gate = net.global_average_pool(&format!("{name}.squeeze"), &x);
        gate = net.conv_with_bias(reduce, &gate, down, (0, 0));
        gate = net.unary("Relu", &format!("{name}.squeeze_act"), &gate);
        gate = net.conv_with_bias(expand, &gate, up, (0, 0));
        gate = net.hard_sigmoid(&format!("{name}.gate"), &gate);
        x = net.mul(&format!("{name}.excite"), &x, &gate);
    }
    let shape = ConvShape::dense(block.wide, block.outputs, 1, 1);
    let side = side.div_ceil(block.stride);
    x = conv_bn(net, &x, &layer(&block.project, shape, side));
    if block.stride == 1 && block.inputs == block.outputs {
        net.add(&format!("{name}.add"), &x, input)
    } else {
        x
    }
}

/// `channels` rounded to a multiple of 8, not below nine tenths of it.
pub(super) fn divisible(channels: f64) -> usize {
    let rounded = ((channels + 4.0) / 8.0).floor().max(1.0) * 8.0;
    let enough = if rounded < 0.9 * channels {
        rounded + 8.0
    } else {
        rounded
    };
    enough as usize
}
