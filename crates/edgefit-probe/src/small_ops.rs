//! Chains with small ops between their layers: activations, sums, pooling, normalisation.
//!
//! The cost of such an op depends on its neighbours: engines fuse it, or change the layout for it. So it
//! is measured as the time that it adds to a chain of layers.

use edgefit_device::ElementType;
use edgefit_graph::{Attribute, Node, Tensor};

use crate::chain::{Chain, Conv, ints};

/// How many times the op occurs in its chain.
pub const REPEATS: usize = 3;

/// A chain with a small op in it, and the chain that it is compared with.
pub struct Pair {
    /// With the op, [`REPEATS`] times.
    pub with: Chain,
    /// Without it.
    pub without: Chain,
}

/// Whether the measured op is in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// It is.
    There,
    /// Only the nodes around it are.
    LeftOut,
}

/// Appends a small op with the nodes around it.
type Append = fn(&mut Chain, Subject);

/// Channels and side of the images.
const IMAGES: [(usize, usize); 5] = [(32, 112), (96, 56), (192, 28), (480, 14), (960, 7)];

/// Tokens and width of the sequences.
const TOKENS: [(usize, usize); 4] = [(3136, 64), (784, 96), (197, 192), (49, 768)];

/// Small ops between pointwise convolutions, and between products with matrices.
pub fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (channels, side) in IMAGES {
        let dims = [1, channels, side, side];
        let pointwise = move |chain: &mut Chain| chain.conv(Conv::pointwise(channels));
        let separable = move |chain: &mut Chain| {
            chain.conv(Conv::pointwise(channels));
            chain.conv(Conv {
                outputs: channels,
                kernel: 3,
                stride: 1,
                groups: channels,
            });
        };
        for &op in IMAGE_OPS {
            pairs.push(Pair::new(&dims, pointwise, op));
        }
        for &op in DEPTHWISE_OPS {
            pairs.push(Pair::new(&dims, separable, op));
        }
    }
    for (tokens, width) in TOKENS {
        let layer = move |chain: &mut Chain| chain.linear(width);
        pairs.extend(
            TOKEN_OPS
                .iter()
                .map(|&op| Pair::new(&[1, tokens, width], layer, op)),
        );
    }
    pairs
}

impl Pair {
    fn new(dims: &[usize], layer: impl Fn(&mut Chain), append: Append) -> Self {
        let build = |subject: Subject| {
            let mut chain = Chain::new(dims, ElementType::F32);
            layer(&mut chain);
            for _ in 0..REPEATS {
                append(&mut chain, subject);
                layer(&mut chain);
            }
            chain
        };
        Pair {
            with: build(Subject::There),
            without: build(Subject::LeftOut),
        }
    }
}

const IMAGE_OPS: &[Append] = &[
    |chain, subject| chain.unary("Relu", subject),
    |chain, subject| chain.relu6(subject),
    |chain, subject| chain.unary("Sigmoid", subject),
    |chain, subject| chain.unary("HardSigmoid", subject),
    |chain, subject| chain.gated("Sigmoid", subject),
    |chain, subject| chain.gated("HardSigmoid", subject),
    |chain, subject| chain.unary("HardSwish", subject),
    |chain, subject| chain.unary("Tanh", subject),
    |chain, subject| chain.unary("LeakyRelu", subject),
    |chain, subject| chain.gelu(subject),
    |chain, subject| chain.residual("Add", subject),
    |chain, subject| chain.residual("Mul", subject),
    |chain, subject| chain.squeeze(subject),
    |chain, subject| chain.batch_norm(subject),
    |chain, subject| chain.pool("MaxPool", 3, 1, subject),
    |chain, subject| chain.pool("MaxPool", 3, 2, subject),
    |chain, subject| chain.pool("MaxPool", 2, 2, subject),
    |chain, subject| chain.pool("AveragePool", 3, 1, subject),
    |chain, subject| chain.pool("AveragePool", 2, 2, subject),
    |chain, subject| chain.concat(1, subject),
    |chain, subject| chain.halves(1, subject),
    |chain, subject| chain.flatten(subject),
    |chain, subject| chain.channels_last(subject),
];

const DEPTHWISE_OPS: &[Append] = &[
    |chain, subject| chain.unary("Relu", subject),
    |chain, subject| chain.relu6(subject),
    |chain, subject| chain.gated("Sigmoid", subject),
    |chain, subject| chain.unary("HardSwish", subject),
    |chain, subject| chain.gelu(subject),
];

const TOKEN_OPS: &[Append] = &[
    |chain, subject| chain.layer_norm(subject),
    |chain, subject| chain.gelu(subject),
    |chain, subject| chain.unary("Relu", subject),
    |chain, subject| chain.unary("Sigmoid", subject),
    |chain, subject| chain.unary("Tanh", subject),
    |chain, subject| chain.unary("Erf", subject),
    |chain, subject| chain.gated("Sigmoid", subject),
    |chain, subject| chain.unary("Softmax", subject),
    |chain, subject| chain.residual("Add", subject),
    |chain, subject| chain.residual("Mul", subject),
    |chain, subject| chain.constant("Mul", &[1], subject),
    |chain, subject| chain.per_token("Add", subject),
    |chain, subject| chain.per_token("Mul", subject),
    |chain, subject| chain.transpose(subject),
    |chain, subject| chain.heads(subject),
    |chain, subject| chain.regroup(subject),
    |chain, subject| chain.mean(subject),
    |chain, subject| chain.concat(2, subject),
    |chain, subject| chain.halves(2, subject),
];

impl Chain {
    fn unary(&mut self, op: &str, subject: Subject) {
        if subject == Subject::There {
            let dims = self.dims().to_vec();
            self.push(Node::new(op, "", &[""], &[]), dims);
        }
    }

    fn relu6(&mut self, subject: Subject) {
        if subject == Subject::There {
            let dims = self.dims().to_vec();
            let (low, high) = (self.scalar(0.0), self.scalar(6.0));
            self.push(Node::new("Clip", "", &["", &low, &high], &[]), dims);
        }
    }

    /// x · gate(x).
    fn gated(&mut self, gate: &str, subject: Subject) {
        if subject == Subject::There {
            let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
            let mut node = Node::new(gate, "", &[""], &[]);
            if gate == "HardSigmoid" {
                node = node.with("alpha", Attribute::Float(1.0 / 6.0));
            }
            self.push(node, dims.clone());
            self.push(Node::new("Mul", "", &[&x, ""], &[]), dims);
        }
    }

    /// x · (1 + erf(x / √2)) / 2, as exporters write it.
    pub(crate) fn gelu(&mut self, subject: Subject) {
        if subject == Subject::LeftOut {
            return;
        }
        let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
        let [root, one, half] =
            [std::f32::consts::SQRT_2, 1.0, 0.5].map(|value| self.scalar(value));
        for inputs in [
            ("Div", vec!["", &root]),
            ("Erf", vec![""]),
            ("Add", vec!["", &one]),
            ("Mul", vec![&x, ""]),
            ("Mul", vec!["", &half]),
        ] {
            self.push(Node::new(inputs.0, "", &inputs.1, &[]), dims.clone());
        }
    }

    /// With the value from before the last layer.
    fn residual(&mut self, op: &str, subject: Subject) {
        if subject == Subject::There {
            let (before, dims) = (self.before_layer().to_owned(), self.dims().to_vec());
            self.push(Node::new(op, "", &["", &before], &[]), dims);
        }
    }

    /// The means over the image, and the image scaled by them.
    fn squeeze(&mut self, subject: Subject) {
        if subject == Subject::There {
            let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
            let means = vec![dims[0], dims[1], 1, 1];
            self.push(Node::new("GlobalAveragePool", "", &[""], &[]), means);
            self.push(Node::new("Mul", "", &[&x, ""], &[]), dims);
        }
    }

    /// Behind an activation, so that it cannot be folded into the convolution.
    fn batch_norm(&mut self, subject: Subject) {
        self.unary("Relu", Subject::There);
        if subject == Subject::There {
            let dims = self.dims().to_vec();
            let [bias, mean] = [(); 2].map(|()| self.weight(&[dims[1]]));
            let [scale, variance] = [(); 2].map(|()| self.ones(&[dims[1]]));
            let inputs = ["", &scale, &bias, &mean, &variance];
            self.push(Node::new("BatchNormalization", "", &inputs, &[]), dims);
        }
    }

    pub(crate) fn layer_norm(&mut self, subject: Subject) {
        if subject == Subject::There {
            let dims = self.dims().to_vec();
            let width = dims.last().copied().unwrap_or(1);
            let (scale, bias) = (self.ones(&[width]), self.weight(&[width]));
            let node = Node::new("LayerNormalization", "", &["", &scale, &bias], &[]);
            self.push(node.with("axis", Attribute::Int(-1)), dims);
        }
    }

    fn pool(&mut self, op: &str, kernel: usize, stride: usize, subject: Subject) {
        let mut dims = self.dims().to_vec();
        if subject == Subject::LeftOut || dims[2] < kernel.max(2 * stride) {
            return;
        }
        let pad = (kernel - 1) / 2;
        for side in &mut dims[2..] {
            *side = (*side + 2 * pad - kernel) / stride + 1;
        }
        let node = Node::new(op, "", &[""], &[])
            .with("kernel_shape", ints(&[kernel; 2]))
            .with("strides", ints(&[stride; 2]))
            .with("pads", ints(&[pad; 4]));
        self.push(node, dims);
    }

    /// With itself, along `axis`.
    fn concat(&mut self, axis: usize, subject: Subject) {
        let mut dims = self.dims().to_vec();
        if subject == Subject::There {
            dims[axis] *= 2;
            let node = Node::new("Concat", "", &["", ""], &[]);
            self.push(node.with("axis", Attribute::Int(axis as i64)), dims);
        }
    }

    /// The first half along `axis`.
    fn halves(&mut self, axis: usize, subject: Subject) {
        if subject == Subject::There {
            let mut dims = self.dims().to_vec();
            dims[axis] /= 2;
            let limits = [0, dims[axis], axis]
                .map(|value| self.initializer(Tensor::from_values(vec![1], &[value as i64])));
            let [start, end, axis] = &limits;
            self.push(Node::new("Slice", "", &["", start, end, axis], &[]), dims);
        }
    }

    fn constant(&mut self, op: &str, dims: &[usize], subject: Subject) {
        if subject == Subject::There {
            let constant = self.weight(dims);
            let dims = self.dims().to_vec();
            self.push(Node::new(op, "", &["", &constant], &[]), dims);
        }
    }

    /// The same vector for every token.
    fn per_token(&mut self, op: &str, subject: Subject) {
        if subject == Subject::There {
            self.bias(op);
        }
    }

    /// A vector for the last dimension.
    pub(crate) fn bias(&mut self, op: &str) {
        let width = self.dims().last().copied().unwrap_or(1);
        self.constant(op, &[width], Subject::There);
    }

    /// Tokens and channels change places, and back; activations keep the two apart.
    fn transpose(&mut self, subject: Subject) {
        let dims = self.dims().to_vec();
        let swapped = vec![dims[0], dims[2], dims[1]];
        for dims in [swapped, dims] {
            if subject == Subject::There {
                self.permute(&[0, 2, 1], dims);
            }
            self.unary("Relu", Subject::There);
        }
    }

    /// The pixels of an image become a sequence, and an image again.
    fn flatten(&mut self, subject: Subject) {
        let dims = self.dims().to_vec();
        if subject == Subject::There {
            self.reshape(&[dims[0], dims[1], dims[2] * dims[3]]);
            self.reshape(&dims);
        }
    }

    /// The channels of an image come last, and second again; an activation keeps the two apart.
    fn channels_last(&mut self, subject: Subject) {
        let dims = self.dims().to_vec();
        if subject == Subject::There {
            let last = vec![dims[0], dims[2], dims[3], dims[1]];
            self.permute(&[0, 2, 3, 1], last);
        }
        self.unary("Relu", Subject::There);
        if subject == Subject::There {
            self.permute(&[0, 3, 1, 2], dims);
        }
    }

    /// The channels of a token become heads, which come before the tokens, and back.
    fn heads(&mut self, subject: Subject) {
        const HEADS: usize = 4;
        let dims = self.dims().to_vec();
        let split = vec![dims[0], dims[1], HEADS, dims[2] / HEADS];
        let moved = vec![dims[0], HEADS, dims[1], dims[2] / HEADS];
        self.reshape(&split);
        if subject == Subject::There {
            self.permute(&[0, 2, 1, 3], moved);
        }
        self.unary("Relu", Subject::There);
        if subject == Subject::There {
            self.permute(&[0, 2, 1, 3], split);
        }
        self.reshape(&dims);
    }

    /// A shape that costs nothing but its own node.
    fn regroup(&mut self, subject: Subject) {
        let dims = self.dims().to_vec();
        if subject == Subject::There {
            self.reshape(&[dims[0], dims[1] * 2, dims[2] / 2]);
        }
        self.unary("Relu", Subject::There);
        if subject == Subject::There {
            self.reshape(&dims);
        }
    }

    pub(crate) fn permute(&mut self, order: &[usize], dims: Vec<usize>) {
        let node = Node::new("Transpose", "", &[""], &[]);
        self.push(node.with("perm", ints(order)), dims);
    }

    /// The mean of each token.
    fn mean(&mut self, subject: Subject) {
        let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
        let mut means = dims.clone();
        means[2] = 1;
        if subject == Subject::There {
            let node = Node::new("ReduceMean", "", &[""], &[]);
            self.push(node.with("axes", Attribute::Ints(vec![-1])), means);
            self.push(Node::new("Sub", "", &[&x, ""], &[]), dims);
        } else {
            self.constant("Sub", &means, Subject::There);
        }
    }

    pub(crate) fn scalar(&mut self, value: f32) -> String {
        self.initializer(Tensor::from_values(vec![], &[value]))
    }

    fn ones(&mut self, dims: &[usize]) -> String {
        let values = vec![1f32; dims.iter().product()];
        self.initializer(Tensor::from_values(dims.to_vec(), &values))
    }
}
