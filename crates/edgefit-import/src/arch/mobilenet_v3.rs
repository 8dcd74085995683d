//! MobileNetV3 (Howard et al. 2019, arXiv 1905.02244), in torchvision's and timm's key layouts.

use edgefit_graph::preprocessing::PreprocessingName;

use super::blocks::{
    Activation, BlockKeys, ConvNorm, InvertedResidual, Padding, Pair, Style, Width, activation,
    conv_bn, inverted_residual,
};
use crate::architecture::{Architecture, Twins};
use crate::builder::{Builder, ConvShape};
use crate::variant::Variant;

pub(super) const SMALL: Architecture = Architecture {
    name: "mobilenet-v3-small",
    resolution: 224,
    preprocessing: PreprocessingName::Imagenet,
    twins: Twins::OfTimm,
    build: |net| build(net, &SMALL_BLOCKS, 1024),
};

pub(super) const LARGE: Architecture = Architecture {
    name: "mobilenet-v3-large",
    resolution: 224,
    preprocessing: PreprocessingName::Imagenet,
    twins: Twins::OfTimm,
    build: |net| build(net, &LARGE_BLOCKS, 1280),
};

/// A row of the paper's tables 1 and 2.
struct Block {
    /// Number of the stage in timm's names.
    stage: usize,
    kernel: usize,
    wide: usize,
    channels: usize,
    /// Whether it has squeeze-and-excitation.
    squeeze: bool,
    activation: Activation,
    stride: usize,
}

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::HardSwish;

#[rustfmt::skip]
const SMALL_BLOCKS: [Block; 11] = [
    Block { stage: 0, kernel: 3, wide: 16, channels: 16, squeeze: true, activation: RE, stride: 2 },
    Block { stage: 1, kernel: 3, wide: 72, channels: 24, squeeze: false, activation: RE, stride: 2 },
    Block { stage: 1, kernel: 3, wide: 88, channels: 24, squeeze: false, activation: RE, stride: 1 },
    Block { stage: 2, kernel: 5, wide: 96, channels: 40, squeeze: true, activation: HS, stride: 2 },
    Block { stage: 2, kernel: 5, wide: 240, channels: 40, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 2, kernel: 5, wide: 240, channels: 40, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 3, kernel: 5, wide: 120, channels: 48, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 3, kernel: 5, wide: 144, channels: 48, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 4, kernel: 5, wide: 288, channels: 96, squeeze: true, activation: HS, stride: 2 },
    Block { stage: 4, kernel: 5, wide: 576, channels: 96, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 4, kernel: 5, wide: 576, channels: 96, squeeze: true, activation: HS, stride: 1 },
];

#[rustfmt::skip]
const LARGE_BLOCKS: [Block; 15] = [
    Block { stage: 0, kernel: 3, wide: 16, channels: 16, squeeze: false, activation: RE, stride: 1 },
    Block { stage: 1, kernel: 3, wide: 64, channels: 24, squeeze: false, activation: RE, stride: 2 },
    Block { stage: 1, kernel: 3, wide: 72, channels: 24, squeeze: false, activation: RE, stride: 1 },
    Block { stage: 2, kernel: 5, wide: 72, channels: 40, squeeze: true, activation: RE, stride: 2 },
    Block { stage: 2, kernel: 5, wide: 120, channels: 40, squeeze: true, activation: RE, stride: 1 },
    Block { stage: 2, kernel: 5, wide: 120, channels: 40, squeeze: true, activation: RE, stride: 1 },
    Block { stage: 3, kernel: 3, wide: 240, channels: 80, squeeze: false, activation: HS, stride: 2 },
    Block { stage: 3, kernel: 3, wide: 200, channels: 80, squeeze: false, activation: HS, stride: 1 },
    Block { stage: 3, kernel: 3, wide: 184, channels: 80, squeeze: false, activation: HS, stride: 1 },
    Block { stage: 3, kernel: 3, wide: 184, channels: 80, squeeze: false, activation: HS, stride: 1 },
    Block { stage: 4, kernel: 3, wide: 480, channels: 112, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 4, kernel: 3, wide: 672, channels: 112, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 5, kernel: 5, wide: 672, channels: 160, squeeze: true, activation: HS, stride: 2 },
    Block { stage: 5, kernel: 5, wide: 960, channels: 160, squeeze: true, activation: HS, stride: 1 },
    Block { stage: 5, kernel: 5, wide: 960, channels: 160, squeeze: true, activation: HS, stride: 1 },
];

fn build(net: &mut Builder, blocks: &[Block], hidden: usize) {
    let timm = net.is_timm();
    let (epsilon, padding) = match net.variant() {
        Some(Variant::Timm) => (1e-5, Padding::Even),
        Some(Variant::Tf) => (1e-3, Padding::Same),
        // torchvision's.
        None => (1e-3, Padding::Even),
    };
    let style = Style { epsilon, padding };
    let pair = |conv: String, norm: String| -> Pair { [conv, norm] };
    let features =
        |index: usize| pair(format!("features.{index}.0"), format!("features.{index}.1"));
    let mut channels = 16;
    let mut side = net.resolution();
    let stem = if timm {
        pair("conv_stem".into(), "bn1".into())
    } else {
        features(0)
    };
    let mut x = conv_bn(
        net,
        "input",
        &ConvNorm {
            keys: &stem,
            shape: ConvShape::dense(3, channels, 3, 2),
            side,
            style,
        },
    );
    x = activation(net, HS, "stem.act", &x);
    side = side.div_ceil(2);

    for (index, row) in blocks.iter().enumerate() {
        let width = Width::of(channels, row.wide);
        let (name, keys, squeeze) = if timm {
            let before = blocks[..index].iter();
            let repeat = before.filter(|other| other.stage == row.stage).count();
            let name = format!("blocks.{}.{repeat}", row.stage);
            let squeeze = ["conv_reduce", "conv_expand"].map(|part| format!("{name}.se.{part}"));
            let keys = BlockKeys::timm(&name, width);
            (name, keys, squeeze)
        } else {
            let name = format!("features.{}.block", index + 1);
            let (keys, squeeze) = torchvision(&name, width, row);
            (name, keys, squeeze)
        };
        let block = InvertedResidual {
            name,
            expand: keys.expand,
            depthwise: keys.depthwise,
            squeeze: row.squeeze.then_some(squeeze),
            project: keys.project,
            inputs: channels,
            wide: row.wide,
            outputs: row.channels,
            kernel: row.kernel,
            stride: row.stride,
            activation: row.activation,
        };
        x = inverted_residual(net, &block, &x, side, style);
        side = side.div_ceil(row.stride);
        channels = row.channels;
    }

    let wide = 6 * channels;
    let last = if timm {
        let stage = blocks.last().map_or(0, |row| row.stage) + 1;
        pair(
            format!("blocks.{stage}.0.conv"),
            format!("blocks.{stage}.0.bn1"),
        )
    } else {
        features(blocks.len() + 1)
    };
    x = conv_bn(
        net,
        &x,
        &ConvNorm {
            keys: &last,
            shape: ConvShape::dense(channels, wide, 1, 1),
            side,
            style,
        },
    );
    x = activation(net, HS, "last.act", &x);
    x = net.global_average_pool("pool", &x);
    // The hidden layer of the classifier is a convolution in timm.
    x = if timm {
        let x = net.conv_with_bias(
            "conv_head",
            &x,
            ConvShape::dense(wide, hidden, 1, 1),
            (0, 0),
        );
        let x = activation(net, HS, "head.act", &x);
        net.flatten("features", &x)
    } else {
        let x = net.flatten("flatten", &x);
        let x = net.linear("classifier.0", &x, wide, hidden);
        activation(net, HS, "features", &x)
    };
    net.classifier(if timm { "classifier" } else { "classifier.3" }, &x, hidden);
}

/// Keys of a block, and of its squeeze-and-excitation if it has one.
fn torchvision(block: &str, width: Width, row: &Block) -> (BlockKeys, [String; 2]) {
    let layer = |index: usize| [format!("{block}.{index}.0"), format!("{block}.{index}.1")];
    let depthwise = usize::from(width == Width::Expanded);
    let after = depthwise + 1;
    let keys = BlockKeys {
        expand: (width == Width::Expanded).then(|| layer(0)),
        depthwise: layer(depthwise),
        project: layer(after + usize::from(row.squeeze)),
    };
    (
        keys,
        ["fc1", "fc2"].map(|part| format!("{block}.{after}.{part}")),
    )
}
