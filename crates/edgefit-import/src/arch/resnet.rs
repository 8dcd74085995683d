//! ResNet (He et al. 2015, arXiv 1512.03385), with the stride in the 3×3 convolution, as
//! torchvision and timm have it; both name the weights alike.

use edgefit_graph::preprocessing::PreprocessingName;

use crate::architecture::{Architecture, Twins};
use crate::builder::{Builder, ConvShape, Rounding};

const fn resnet(name: &'static str, build: fn(&mut Builder)) -> Architecture {
    Architecture {
        name,
        resolution: 224,
        preprocessing: PreprocessingName::Imagenet,
        twins: Twins::None,
        build,
    }
}

pub(super) const RESNET18: Architecture = resnet("resnet18", |net| build(net, [2, 2, 2, 2], BASIC));
pub(super) const RESNET34: Architecture = resnet("resnet34", |net| build(net, [3, 4, 6, 3], BASIC));
pub(super) const RESNET50: Architecture =
    resnet("resnet50", |net| build(net, [3, 4, 6, 3], BOTTLENECK));

const EPSILON: f32 = 1e-5;

/// The convolutions of a block: kernel, and channels as a multiple of the stage's.
type Block = &'static [(usize, usize)];

const BASIC: Block = &[(3, 1), (3, 1)];
const BOTTLENECK: Block = &[(1, 1), (3, 1), (1, 4)];

fn build(net: &mut Builder, depths: [usize; 4], block: Block) {
    let stem = ConvShape::dense(3, 64, 7, 2);
    let mut x = conv_bn(net, ["conv1", "bn1"].map(str::to_owned), "input", stem);
    x = net.unary("Relu", "relu", &x);
    x = net.max_pool("maxpool", &x, 1, Rounding::Down);
    let mut channels = 64;
    for (number, depth) in depths.into_iter().enumerate() {
        let width = 64 << number;
        for repeat in 0..depth {
            let name = format!("layer{}.{repeat}", number + 1);
            let stride = if number > 0 && repeat == 0 { 2 } else { 1 };
            let layers = Residual {
                name,
                inputs: channels,
                width,
                stride,
                block,
            };
            (x, channels) = residual(net, &x, &layers);
        }
    }
    x = net.global_average_pool("avgpool", &x);
    x = net.flatten("flatten", &x);
    net.classifier("fc", &x, channels);
}

/// A residual block.
struct Residual {
    name: String,
    /// Channels of the input.
    inputs: usize,
    /// Channels of the stage.
    width: usize,
    stride: usize,
    block: Block,
}

/// A residual block; returns its output and how many channels that has.
fn residual(net: &mut Builder, input: &str, layers: &Residual) -> (String, usize) {
    let &Residual {
        ref name,
        inputs,
        width,
        stride,
        block,
    } = layers;
    // The first 3×3 convolution takes the stride.
    let strided = block.iter().position(|(kernel, _)| *kernel == 3);
    let (mut x, mut channels) = (input.to_owned(), inputs);
    for (index, &(kernel, times)) in block.iter().enumerate() {
        if index > 0 {
            x = net.unary("Relu", &format!("{name}.relu{index}"), &x);
        }
        let step = if Some(index) == strided { stride } else { 1 };
        let shape = ConvShape::dense(channels, width * times, kernel, step);
        let keys = [
            format!("{name}.conv{}", index + 1),
            format!("{name}.bn{}", index + 1),
        ];
        x = conv_bn(net, keys, &x, shape);
        channels = width * times;
    }
    let shortcut = if stride == 1 && inputs == channels {
        input.to_owned()
    } else {
        let shape = ConvShape::dense(inputs, channels, 1, stride);
        let keys = [0, 1].map(|index| format!("{name}.downsample.{index}"));
        conv_bn(net, keys, input, shape)
    };
    x = net.add(&format!("{name}.add"), &x, &shortcut);
    (net.unary("Relu", &format!("{name}.relu"), &x), channels)
}

fn conv_bn(net: &mut Builder, [conv, norm]: [String; 2], x: &str, shape: ConvShape) -> String {
    let x = net.conv(&conv, x, shape, shape.even_pads());
    net.batch_norm(&norm, &x, shape.outputs, EPSILON)
}
