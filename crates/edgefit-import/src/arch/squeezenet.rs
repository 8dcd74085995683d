//! SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360, and its later release), in torchvision's
//! key layout.

use edgefit_graph::preprocessing::PreprocessingName;

use crate::architecture::{Architecture, Twins};
use crate::builder::{Builder, ConvShape, Rounding};

pub(super) const SQUEEZENET1_1: Architecture = Architecture {
    name: "squeezenet1-1",
    resolution: 224,
    preprocessing: PreprocessingName::Imagenet,
    twins: Twins::None,
    build,
};

/// A layer of `features`.
enum Layer {
    Pool,
    /// Channels of the squeezed input, and of each half of the output.
    Fire(usize, usize),
}

const LAYERS: [(usize, Layer); 11] = [
    (2, Layer::Pool),
    (3, Layer::Fire(16, 64)),
    (4, Layer::Fire(16, 64)),
    (5, Layer::Pool),
    (6, Layer::Fire(32, 128)),
    (7, Layer::Fire(32, 128)),
    (8, Layer::Pool),
    (9, Layer::Fire(48, 192)),
    (10, Layer::Fire(48, 192)),
    (11, Layer::Fire(64, 256)),
    (12, Layer::Fire(64, 256)),
];

fn build(net: &mut Builder) {
    let mut channels = 64;
    let mut x = net.conv_with_bias(
        "features.0",
        "input",
        ConvShape::dense(3, channels, 3, 2),
        (0, 0),
    );
    x = net.unary("Relu", "features.1", &x);
    for (index, layer) in LAYERS {
        let name = format!("features.{index}");
        x = match layer {
            Layer::Pool => net.max_pool(&name, &x, 0, Rounding::Up),
            Layer::Fire(narrow, half) => {
                let squeeze = ConvShape::dense(channels, narrow, 1, 1);
                let squeezed = conv_relu(net, &format!("{name}.squeeze"), &x, squeeze);
                let expand = |kernel| ConvShape::dense(narrow, half, kernel, 1);
                let small = conv_relu(net, &format!("{name}.expand1x1"), &squeezed, expand(1));
                let large = conv_relu(net, &format!("{name}.expand3x3"), &squeezed, expand(3));
                channels = 2 * half;
                net.concat(&name, &small, &large)
            }
        };
    }
    let classes = net.classes("classifier.1");
    let shape = ConvShape::dense(channels, classes, 1, 1);
    x = conv_relu(net, "classifier.1", &x, shape);
    x = net.global_average_pool("pool", &x);
    net.flatten("flatten", &x);
    net.logits(classes);
}

fn conv_relu(net: &mut Builder, key: &str, x: &str, shape: ConvShape) -> String {
    let x = net.conv_with_bias(key, x, shape, shape.even_pads());
    net.unary("Relu", &format!("{key}.relu"), &x)
}
