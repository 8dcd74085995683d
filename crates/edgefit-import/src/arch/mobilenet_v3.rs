//! MobileNetV3 (Howard et al. 2019, arXiv 1905.02244), in torchvision's and timm's key layouts.

use super::Architecture;
use super::blocks::{
    Activation, BlockKeys, InvertedResidual, Pair, Style, activation, conv_bn, inverted_residual,
};
use crate::builder::{Builder, ConvShape};

pub(super) const SMALL: Architecture = Architecture {
    name: "mobilenet-v3-small",
    resolution: 224,
    preprocessing: "imagenet",
    build: |net| build(net, &SMALL_BLOCKS, 1024),
};

pub(super) const LARGE: Architecture = Architecture {
    name: "mobilenet-v3-large",
    resolution: 224,
    preprocessing: "imagenet",
    build: |net| build(net, &LARGE_BLOCKS, 1280),
};

/// A row of the paper's tables 1 and 2.
struct Block {
    /// Blocks that timm counts together.
    stage: usize,
    kernel: usize,
    wide: usize,
    channels: usize,
    squeeze: bool,
    activation: Activation,
    stride: usize,
}

const fn row(
    stage: usize,
    kernel: usize,
    wide: usize,
    channels: usize,
    squeeze: bool,
    activation: Activation,
    stride: usize,
) -> Block {
    Block {
        stage,
        kernel,
        wide,
        channels,
        squeeze,
        activation,
        stride,
    }
}

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::HardSwish;

const SMALL_BLOCKS: [Block; 11] = [
    row(0, 3, 16, 16, true, RE, 2),
    row(1, 3, 72, 24, false, RE, 2),
    row(1, 3, 88, 24, false, RE, 1),
    row(2, 5, 96, 40, true, HS, 2),
    row(2, 5, 240, 40, true, HS, 1),
    row(2, 5, 240, 40, true, HS, 1),
    row(3, 5, 120, 48, true, HS, 1),
    row(3, 5, 144, 48, true, HS, 1),
    row(4, 5, 288, 96, true, HS, 2),
    row(4, 5, 576, 96, true, HS, 1),
    row(4, 5, 576, 96, true, HS, 1),
];

const LARGE_BLOCKS: [Block; 15] = [
    row(0, 3, 16, 16, false, RE, 1),
    row(1, 3, 64, 24, false, RE, 2),
    row(1, 3, 72, 24, false, RE, 1),
    row(2, 5, 72, 40, true, RE, 2),
    row(2, 5, 120, 40, true, RE, 1),
    row(2, 5, 120, 40, true, RE, 1),
    row(3, 3, 240, 80, false, HS, 2),
    row(3, 3, 200, 80, false, HS, 1),
    row(3, 3, 184, 80, false, HS, 1),
    row(3, 3, 184, 80, false, HS, 1),
    row(4, 3, 480, 112, true, HS, 1),
    row(4, 3, 672, 112, true, HS, 1),
    row(5, 5, 672, 160, true, HS, 2),
    row(5, 5, 960, 160, true, HS, 1),
    row(5, 5, 960, 160, true, HS, 1),
];

fn build(net: &mut Builder, blocks: &[Block], hidden: usize) {
    let timm = net.has("conv_stem.weight");
    let style = Style {
        epsilon: if timm { 1e-5 } else { 1e-3 },
        same: false,
    };
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
        &stem,
        "input",
        ConvShape::dense(3, channels, 3, 2),
        side,
        style,
    );
    x = activation(net, HS, "stem.act", &x);
    side = side.div_ceil(2);

    for (index, row) in blocks.iter().enumerate() {
        let widens = row.wide != channels;
        let (name, keys, squeeze) = if timm {
            let before = blocks[..index].iter();
            let repeat = before.filter(|other| other.stage == row.stage).count();
            let name = format!("blocks.{}.{repeat}", row.stage);
            let squeeze = ["conv_reduce", "conv_expand"].map(|part| format!("{name}.se.{part}"));
            let keys = BlockKeys::timm(&name, widens);
            (name, keys, squeeze)
        } else {
            let name = format!("features.{}.block", index + 1);
            let (keys, squeeze) = torchvision(&name, widens, row.squeeze);
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
        &last,
        &x,
        ConvShape::dense(channels, wide, 1, 1),
        side,
        style,
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
fn torchvision(block: &str, widens: bool, squeeze: bool) -> (BlockKeys, [String; 2]) {
    let layer = |index: usize| [format!("{block}.{index}.0"), format!("{block}.{index}.1")];
    let depthwise = usize::from(widens);
    let after = depthwise + 1;
    let keys = BlockKeys {
        expand: widens.then(|| layer(0)),
        depthwise: layer(depthwise),
        project: layer(after + usize::from(squeeze)),
    };
    (
        keys,
        ["fc1", "fc2"].map(|part| format!("{block}.{after}.{part}")),
    )
}
