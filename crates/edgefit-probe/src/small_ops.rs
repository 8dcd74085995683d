//! Chains with small ops between their layers: activations, sums, pooling, normalisation.
//!
//! What such an op costs depends on what stands around it, for engines fuse it or have to change the
//! layout for it. So it is measured as what it adds to a chain of layers.

use edgefit_device::ElementType;
use edgefit_graph::{Attribute, Node, Tensor};

use crate::chain::{Chain, Conv, ints};

/// How many times the op stands in its chain.
pub const REPEATS: usize = 3;

/// A chain with a small op in it, and the chain that it is compared with.
pub struct Pair {
    /// With the op, [`REPEATS`] times.
    pub with: Chain,
    /// Without it.
    pub without: Chain,
}

/// Appends a small op, or, where the flag is not set, what stands around it only.
type Append = fn(&mut Chain, bool);

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
        let build = |with: bool| {
            let mut chain = Chain::new(dims, ElementType::F32);
            layer(&mut chain);
            for _ in 0..REPEATS {
                append(&mut chain, with);
                layer(&mut chain);
            }
            chain
        };
        Pair {
            with: build(true),
            without: build(false),
        }
    }
}

const IMAGE_OPS: &[Append] = &[
    |chain, with| chain.unary("Relu", with),
    |chain, with| chain.relu6(with),
    |chain, with| chain.unary("Sigmoid", with),
    |chain, with| chain.unary("HardSigmoid", with),
    |chain, with| chain.gated("Sigmoid", with),
    |chain, with| chain.gated("HardSigmoid", with),
    |chain, with| chain.unary("HardSwish", with),
    |chain, with| chain.unary("Tanh", with),
    |chain, with| chain.unary("LeakyRelu", with),
    |chain, with| chain.gelu(with),
    |chain, with| chain.residual("Add", with),
    |chain, with| chain.residual("Mul", with),
    |chain, with| chain.squeeze(with),
    |chain, with| chain.batch_norm(with),
    |chain, with| chain.pool("MaxPool", 3, 1, with),
    |chain, with| chain.pool("MaxPool", 3, 2, with),
    |chain, with| chain.pool("MaxPool", 2, 2, with),
    |chain, with| chain.pool("AveragePool", 3, 1, with),
    |chain, with| chain.pool("AveragePool", 2, 2, with),
    |chain, with| chain.concat(1, with),
    |chain, with| chain.halves(1, with),
    |chain, with| chain.flatten(with),
    |chain, with| chain.channels_last(with),
];

const DEPTHWISE_OPS: &[Append] = &[
    |chain, with| chain.unary("Relu", with),
    |chain, with| chain.relu6(with),
    |chain, with| chain.gated("Sigmoid", with),
    |chain, with| chain.unary("HardSwish", with),
    |chain, with| chain.gelu(with),
];

const TOKEN_OPS: &[Append] = &[
    |chain, with| chain.layer_norm(with),
    |chain, with| chain.gelu(with),
    |chain, with| chain.unary("Relu", with),
    |chain, with| chain.unary("Sigmoid", with),
    |chain, with| chain.unary("Tanh", with),
    |chain, with| chain.unary("Erf", with),
    |chain, with| chain.gated("Sigmoid", with),
    |chain, with| chain.unary("Softmax", with),
    |chain, with| chain.residual("Add", with),
    |chain, with| chain.residual("Mul", with),
    |chain, with| chain.constant("Mul", &[1], with),
    |chain, with| chain.per_token("Add", with),
    |chain, with| chain.per_token("Mul", with),
    |chain, with| chain.transpose(with),
    |chain, with| chain.heads(with),
    |chain, with| chain.regroup(with),
    |chain, with| chain.mean(with),
    |chain, with| chain.concat(2, with),
    |chain, with| chain.halves(2, with),
];

impl Chain {
    fn unary(&mut self, op: &str, with: bool) {
        if with {
            let dims = self.dims().to_vec();
            self.push(Node::new(op, "", &[""], &[]), dims);
        }
    }

    fn relu6(&mut self, with: bool) {
        if with {
            let dims = self.dims().to_vec();
            let (low, high) = (self.scalar(0.0), self.scalar(6.0));
            self.push(Node::new("Clip", "", &["", &low, &high], &[]), dims);
        }
    }

    /// x · gate(x).
    fn gated(&mut self, gate: &str, with: bool) {
        if with {
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
    pub(crate) fn gelu(&mut self, with: bool) {
        if !with {
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
    fn residual(&mut self, op: &str, with: bool) {
        if with {
            let (before, dims) = (self.before_layer().to_owned(), self.dims().to_vec());
            self.push(Node::new(op, "", &["", &before], &[]), dims);
        }
    }

    /// The means over the image, and the image scaled by them.
    fn squeeze(&mut self, with: bool) {
        if with {
            let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
            let means = vec![dims[0], dims[1], 1, 1];
            self.push(Node::new("GlobalAveragePool", "", &[""], &[]), means);
            self.push(Node::new("Mul", "", &[&x, ""], &[]), dims);
        }
    }

    /// Behind an activation, so that it cannot be folded into the convolution.
    fn batch_norm(&mut self, with: bool) {
        self.unary("Relu", true);
        if with {
            let dims = self.dims().to_vec();
            let [bias, mean] = [(); 2].map(|()| self.weight(&[dims[1]]));
            let [scale, variance] = [(); 2].map(|()| self.ones(&[dims[1]]));
            let inputs = ["", &scale, &bias, &mean, &variance];
            self.push(Node::new("BatchNormalization", "", &inputs, &[]), dims);
        }
    }

    pub(crate) fn layer_norm(&mut self, with: bool) {
        if with {
            let dims = self.dims().to_vec();
            let width = dims.last().copied().unwrap_or(1);
            let (scale, bias) = (self.ones(&[width]), self.weight(&[width]));
            let node = Node::new("LayerNormalization", "", &["", &scale, &bias], &[]);
            self.push(node.with("axis", Attribute::Int(-1)), dims);
        }
    }

    fn pool(&mut self, op: &str, kernel: usize, stride: usize, with: bool) {
        let mut dims = self.dims().to_vec();
        if !with || dims[2] < kernel.max(2 * stride) {
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
    fn concat(&mut self, axis: usize, with: bool) {
        let mut dims = self.dims().to_vec();
        if with {
            dims[axis] *= 2;
            let node = Node::new("Concat", "", &["", ""], &[]);
            self.push(node.with("axis", Attribute::Int(axis as i64)), dims);
        }
    }

    /// The first half along `axis`.
    fn halves(&mut self, axis: usize, with: bool) {
        if with {
            let mut dims = self.dims().to_vec();
            dims[axis] /= 2;
            let limits = [0, dims[axis], axis]
                .map(|value| self.initializer(Tensor::from_values(vec![1], &[value as i64])));
            let [start, end, axis] = &limits;
            self.push(Node::new("Slice", "", &["", start, end, axis], &[]), dims);
        }
    }

    fn constant(&mut self, op: &str, dims: &[usize], with: bool) {
        if with {
            let constant = self.weight(dims);
            let dims = self.dims().to_vec();
            self.push(Node::new(op, "", &["", &constant], &[]), dims);
        }
    }

    /// The same vector for every token.
    fn per_token(&mut self, op: &str, with: bool) {
        if with {
            self.bias(op);
        }
    }

    /// A vector for the last dimension.
    pub(crate) fn bias(&mut self, op: &str) {
        let width = self.dims().last().copied().unwrap_or(1);
        self.constant(op, &[width], true);
    }

    /// Tokens and channels change places, and back; activations keep the two apart.
    fn transpose(&mut self, with: bool) {
        let dims = self.dims().to_vec();
        let swapped = vec![dims[0], dims[2], dims[1]];
        for dims in [swapped, dims] {
            if with {
                self.permute(&[0, 2, 1], dims);
            }
            self.unary("Relu", true);
        }
    }

    /// The pixels of an image become a sequence, and an image again.
    fn flatten(&mut self, with: bool) {
        let dims = self.dims().to_vec();
        if with {
            self.reshape(&[dims[0], dims[1], dims[2] * dims[3]]);
            self.reshape(&dims);
        }
    }

    /// The channels of an image come last, and second again; an activation keeps the two apart.
    fn channels_last(&mut self, with: bool) {
        let dims = self.dims().to_vec();
        if with {
            let last = vec![dims[0], dims[2], dims[3], dims[1]];
            self.permute(&[0, 2, 3, 1], last);
        }
        self.unary("Relu", true);
        if with {
            self.permute(&[0, 3, 1, 2], dims);
        }
    }

    /// The channels of a token become heads, which come before the tokens, and back.
    fn heads(&mut self, with: bool) {
        const HEADS: usize = 4;
        let dims = self.dims().to_vec();
        let split = vec![dims[0], dims[1], HEADS, dims[2] / HEADS];
        let moved = vec![dims[0], HEADS, dims[1], dims[2] / HEADS];
        self.reshape(&split);
        if with {
            self.permute(&[0, 2, 1, 3], moved);
        }
        self.unary("Relu", true);
        if with {
            self.permute(&[0, 2, 1, 3], split);
        }
        self.reshape(&dims);
    }

    /// A shape that costs nothing but its own node.
    fn regroup(&mut self, with: bool) {
        let dims = self.dims().to_vec();
        if with {
            self.reshape(&[dims[0], dims[1] * 2, dims[2] / 2]);
        }
        self.unary("Relu", true);
        if with {
            self.reshape(&dims);
        }
    }

    pub(crate) fn permute(&mut self, order: &[usize], dims: Vec<usize>) {
        let node = Node::new("Transpose", "", &[""], &[]);
        self.push(node.with("perm", ints(order)), dims);
    }

    /// The mean of each token.
    fn mean(&mut self, with: bool) {
        let (x, dims) = (self.end().to_owned(), self.dims().to_vec());
        let mut means = dims.clone();
        means[2] = 1;
        if with {
            let node = Node::new("ReduceMean", "", &[""], &[]);
            self.push(node.with("axes", Attribute::Ints(vec![-1])), means);
            self.push(Node::new("Sub", "", &[&x, ""], &[]), dims);
        } else {
            self.constant("Sub", &means, true);
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
