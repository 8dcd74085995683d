//! The block that the mobile networks share.

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
    /// Whether padding is TensorFlow's, which depends on the size of the input.
    pub same: bool,
}

/// Keys of a convolution and of the normalisation behind it.
pub(super) type Pair = [String; 2];

/// An inverted residual (Sandler et al. 2018, arXiv 1801.04381), with squeeze-and-excitation where
/// it has keys (Hu et al. 2017, arXiv 1709.01507).
pub(super) struct InvertedResidual {
    /// Name of the block.
    pub name: String,
    /// Widens the input; none where it is as wide as it should be.
    pub expand: Option<Pair>,
    pub depthwise: Pair,
    /// Narrows and widens again, for the weights of channels.
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

/// Keys of an inverted residual.
pub(super) struct BlockKeys {
    pub expand: Option<Pair>,
    pub depthwise: Pair,
    pub project: Pair,
}

impl BlockKeys {
    /// Those below `block` in timm's layout, of a block that widens or does not.
    pub fn timm(block: &str, widens: bool) -> Self {
        let pair = |conv: &str, norm: &str| [format!("{block}.{conv}"), format!("{block}.{norm}")];
        if widens {
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

/// A convolution of an input of `side` pixels, and the normalisation behind it.
pub(super) fn conv_bn(
    net: &mut Builder,
    [conv, norm]: &Pair,
    x: &str,
    shape: ConvShape,
    side: usize,
    style: Style,
) -> String {
    let pads = if style.same {
        shape.same_pads(side)
    } else {
        shape.even_pads()
    };
    let x = net.conv(conv, x, shape, pads);
    net.batch_norm(norm, &x, shape.outputs, style.epsilon)
}

/// The block for an input of `side` pixels.
pub(super) fn inverted_residual(
    net: &mut Builder,
    block: &InvertedResidual,
    input: &str,
    side: usize,
    style: Style,
) -> String {
    let name = &block.name;
    let mut x = input.to_owned();
    if let Some(expand) = &block.expand {
        let shape = ConvShape::dense(block.inputs, block.wide, 1, 1);
        x = conv_bn(net, expand, &x, shape, side, style);
        x = activation(net, block.activation, &format!("{name}.expand_act"), &x);
    }
    let shape = ConvShape::depthwise(block.wide, block.kernel, block.stride);
    x = conv_bn(net, &block.depthwise, &x, shape, side, style);
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
    x = conv_bn(
        net,
        &block.project,
        &x,
        shape,
        side.div_ceil(block.stride),
        style,
    );
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
