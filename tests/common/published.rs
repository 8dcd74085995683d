//! Networks whose costs are published, built from their papers and from MLPerf Tiny's definitions,
//! with zeros for weights.

use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// Whether convolutions have a bias of their own before their normalisation, as MLPerf Tiny's do.
#[derive(Clone, Copy, PartialEq)]
enum Bias {
    Kept,
    Folded,
}

/// How a convolution reads channels: all for each output, or one each (depthwise).
#[derive(Clone, Copy)]
enum Channels {
    Mixed,
    Apart,
}

/// A network under construction, layer by layer.
struct Net {
    graph: Graph,
    /// Value that the next layer reads.
    x: String,
    channels: usize,
    sides: [usize; 2],
    bias: Bias,
}

/// Window and stride of a convolution with TensorFlow's SAME padding.
#[derive(Clone, Copy)]
struct Window {
    kernel: [usize; 2],
    stride: usize,
}

const fn window(kernel: usize, stride: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride,
    }
}

impl Net {
    fn new(name: &str, channels: usize, sides: [usize; 2], bias: Bias) -> Self {
        let mut graph = Graph::new(name, 17);
        let dims = [1, channels, sides[0], sides[1]].map(Dim::Known);
        graph.inputs.push(ValueInfo::f32("x", dims.to_vec()));
        Net {
            graph,
            x: "x".into(),
            channels,
            sides,
            bias,
        }
    }

    fn zeros(&mut self, dims: &[usize]) -> String {
        let name = format!("w{}", self.graph.initializers.len());
        let zeros = vec![0f32; dims.iter().product()];
        let tensor = Tensor::from_values(dims.to_vec(), &zeros);
        self.graph.initializers.insert(name.clone(), tensor);
        name
    }

    fn push(&mut self, op: &str, inputs: &[&str], attributes: Vec<(&str, Attribute)>) {
        let output = format!("v{}", self.graph.nodes.len());
        let node = Node::new(op, "", inputs, &[&output]);
        let node = attributes
            .into_iter()
            .fold(node, |node, (name, value)| node.with(name, value));
        self.graph.nodes.push(node);
        self.x = output;
    }

    fn unary(&mut self, op: &str) {
        let x = self.x.clone();
        self.push(op, &[&x], vec![]);
    }

    /// Convolution, and a bias where the network has them.
    fn conv(&mut self, outputs: usize, window: Window, channels: Channels) {
        let groups = match channels {
            Channels::Mixed => 1,
            Channels::Apart => self.channels,
        };
        let [high, wide] = window.kernel;
        let weight = self.zeros(&[outputs, self.channels / groups, high, wide]);
        let mut inputs = vec![self.x.clone(), weight];
        if self.bias == Bias::Kept {
            inputs.push(self.zeros(&[outputs]));
        }
        let made = self.sides.map(|side| side.div_ceil(window.stride));
        let total = [0, 1].map(|axis| {
            ((made[axis] - 1) * window.stride + window.kernel[axis])
                .saturating_sub(self.sides[axis])
        });
        let before = total.map(|total| total / 2);
        let pads = [
            before[0],
            before[1],
            total[0] - before[0],
            total[1] - before[1],
        ];
        let ints = |values: &[usize]| Attribute::Ints(values.iter().map(|&v| v as i64).collect());
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let attributes = vec![
            ("kernel_shape", ints(&window.kernel)),
            ("strides", ints(&[window.stride; 2])),
            ("pads", ints(&pads)),
            ("group", Attribute::Int(groups as i64)),
        ];
        self.push("Conv", &inputs, attributes);
        (self.channels, self.sides) = (outputs, made);
    }

    fn batch_norm(&mut self) {
        let vectors = [0; 4].map(|_| self.zeros(&[self.channels]));
        let x = self.x.clone();
        let [scale, bias, mean, variance] = &vectors;
        let inputs = [x.as_str(), scale, bias, mean, variance];
        self.push("BatchNormalization", &inputs, vec![]);
    }

    fn conv_bn_relu(&mut self, outputs: usize, window: Window, channels: Channels) {
        self.conv(outputs, window, channels);
        self.batch_norm();
        self.unary("Relu");
    }

    fn separable(&mut self, outputs: usize, stride: usize) {
        self.conv_bn_relu(self.channels, window(3, stride), Channels::Apart);
        self.conv_bn_relu(outputs, window(1, 1), Channels::Mixed);
    }

    /// Mean over the image, a linear layer, softmax.
    fn classify(mut self, classes: usize) -> Graph {
        self.unary("GlobalAveragePool");
        self.unary("Flatten");
        let (weight, bias) = (
            self.zeros(&[self.channels, classes]),
            self.zeros(&[classes]),
        );
        let x = self.x.clone();
        self.push("Gemm", &[&x, &weight, &bias], vec![]);
        self.unary("Softmax");
        self.graph.outputs.push(ValueInfo::f32(
            &self.x,
            vec![Dim::Known(1), Dim::Known(classes)],
        ));
        self.graph
    }
}

/// MobileNetV1 (Howard et al. 2017, arXiv 1704.04861, table 1), its channels divided by `narrower`.
fn mobilenet_v1(side: usize, narrower: usize, classes: usize, bias: Bias) -> Graph {
    let mut net = Net::new("mobilenet-v1", 3, [side; 2], bias);
    net.conv_bn_relu(32 / narrower, window(3, 2), Channels::Mixed);
    let mut rows = vec![(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)];
    rows.extend([(512, 1); 5]);
    rows.extend([(1024, 2), (1024, 1)]);
    for (outputs, stride) in rows {
        net.separable(outputs / narrower, stride);
    }
    net.classify(classes)
}

/// MobileNetV1 at full width, 224 × 224.
pub fn mobilenet_v1_full() -> Graph {
    mobilenet_v1(224, 1, 1000, Bias::Folded)
}

/// MLPerf Tiny's visual wake words: MobileNetV1 at a quarter of its width, 96 × 96.
pub fn visual_wake_words() -> Graph {
    mobilenet_v1(96, 4, 2, Bias::Kept)
}

/// MLPerf Tiny's image classification: a ResNet of three stacks on CIFAR-10.
pub fn resnet8() -> Graph {
    let mut net = Net::new("resnet8", 3, [32; 2], Bias::Kept);
    net.conv_bn_relu(16, window(3, 1), Channels::Mixed);
    for (outputs, stride) in [(16, 1), (32, 2), (64, 2)] {
        let (before, channels, sides) = (net.x.clone(), net.channels, net.sides);
        net.conv_bn_relu(outputs, window(3, stride), Channels::Mixed);
        net.conv(outputs, window(3, 1), Channels::Mixed);
        net.batch_norm();
        let deep = net.x.clone();
        let mut shortcut = before.clone();
        if stride > 1 {
            let after = net.sides;
            (net.x, net.channels, net.sides) = (before, channels, sides);
            net.conv(outputs, window(1, stride), Channels::Mixed);
            assert_eq!(net.sides, after);
            shortcut = net.x.clone();
        }
        net.push("Add", &[&shortcut, &deep], vec![]);
        net.unary("Relu");
    }
    net.classify(10)
}

/// MLPerf Tiny's keyword spotting: a DS-CNN on 49 × 10 cepstral coefficients.
pub fn keyword_spotting() -> Graph {
    let mut net = Net::new("ds-cnn", 1, [49, 10], Bias::Kept);
    let first = Window {
        kernel: [10, 4],
        stride: 2,
    };
    net.conv_bn_relu(64, first, Channels::Mixed);
    for _ in 0..4 {
        net.separable(64, 1);
    }
    net.classify(12)
}
