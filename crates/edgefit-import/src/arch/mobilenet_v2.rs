//! MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), in torchvision's and timm's key layouts.

use edgefit_graph::preprocessing::PreprocessingName;

use super::blocks::{
    Activation, BlockKeys, ConvNorm, InvertedResidual, Padding, Style, Width, conv_bn,
    inverted_residual,
};
use crate::architecture::{Architecture, Twins};
use crate::builder::{Builder, ConvShape};

pub(super) const MOBILENET_V2: Architecture = Architecture {
    name: "mobilenet-v2",
    resolution: 224,
    preprocessing: PreprocessingName::Imagenet,
    twins: Twins::None,
    build,
};

/// Blocks of one resolution: the first of them takes the stride and the change of channels.
struct Stage {
    repeats: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { repeats: 1, stride: 1, expand: 1, channels: 16 },
    Stage { repeats: 2, stride: 2, expand: 6, channels: 24 },
    Stage { repeats: 3, stride: 2, expand: 6, channels: 32 },
    Stage { repeats: 4, stride: 2, expand: 6, channels: 64 },
    Stage { repeats: 3, stride: 1, expand: 6, channels: 96 },
    Stage { repeats: 3, stride: 2, expand: 6, channels: 160 },
    Stage { repeats: 1, stride: 1, expand: 6, channels: 320 },
];

const STYLE: Style = Style {
    epsilon: 1e-5,
    padding: Padding::Even,
};

fn build(net: &mut Builder) {
    let timm = net.is_timm();
    let pair = |timm_keys: [&str; 2], torchvision: [&str; 2]| {
        if timm { timm_keys } else { torchvision }.map(str::to_owned)
    };
    let mut channels = 32;
    let mut side = net.resolution();
    let stem = pair(["conv_stem", "bn1"], ["features.0.0", "features.0.1"]);
    let mut x = conv_bn(
        net,
        "input",
        &ConvNorm {
            keys: &stem,
            shape: ConvShape::dense(3, channels, 3, 2),
            side,
            style: STYLE,
        },
    );
    x = net.relu6("stem.act", &x);
    side = side.div_ceil(2);

    let mut count = 1;
    for (number, stage) in STAGES.iter().enumerate() {
        for repeat in 0..stage.repeats {
            let width = Width::of(channels, channels * stage.expand);
            let (name, keys) = if timm {
                let name = format!("blocks.{number}.{repeat}");
                let keys = BlockKeys::timm(&name, width);
                (name, keys)
            } else {
                let name = format!("features.{count}.conv");
                let keys = torchvision(&name, width);
                (name, keys)
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
                outputs: stage.channels,
                kernel: 3,
                stride,
                activation: Activation::Relu6,
            };
            x = inverted_residual(net, &block, &x, side, STYLE);
            side = side.div_ceil(stride);
            channels = stage.channels;
            count += 1;
        }
    }

    let head = pair(["conv_head", "bn2"], ["features.18.0", "features.18.1"]);
    x = conv_bn(
        net,
        &x,
        &ConvNorm {
            keys: &head,
            shape: ConvShape::dense(channels, 1280, 1, 1),
            side,
            style: STYLE,
        },
    );
    x = net.relu6("head.act", &x);
    x = net.global_average_pool("pool", &x);
    x = net.flatten("features", &x);
    net.classifier(if timm { "classifier" } else { "classifier.1" }, &x, 1280);
}

fn torchvision(block: &str, width: Width) -> BlockKeys {
    let layer = |index: usize| [format!("{block}.{index}.0"), format!("{block}.{index}.1")];
    let last = |index: usize| [format!("{block}.{index}"), format!("{block}.{}", index + 1)];
    if width == Width::Expanded {
        BlockKeys {
            expand: Some(layer(0)),
            depthwise: layer(1),
            project: last(2),
        }
    } else {
        BlockKeys {
            expand: None,
            depthwise: layer(0),
            project: last(1),
        }
    }
}
