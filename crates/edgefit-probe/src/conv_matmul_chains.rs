//! Chains of convolutions and of matrix products, over the sizes that networks for small devices are
//! made of.

use edgefit_device::ElementType;
use edgefit_graph::{Attribute, Node, Tensor};

use crate::chain::{Chain, Conv};

/// Kinds of layer in a chain of convolutions.
enum Layer {
    /// Kernel, output channels, stride.
    Dense(usize, usize, usize),
    /// Kernel, stride.
    Depthwise(usize, usize),
    /// Kernel, output channels, stride, groups.
    Grouped(usize, usize, usize, usize),
}

use Layer::{Dense, Depthwise, Grouped};

/// A chain of convolutions: side and channels of its input, and its layers.
struct Convolutions(usize, usize, Vec<Layer>);

fn pointwise(outputs: &[usize]) -> Vec<Layer> {
    outputs
        .iter()
        .map(|&outputs| Dense(1, outputs, 1))
        .collect()
}

#[rustfmt::skip]
fn convolutions() -> Vec<Convolutions> {
    vec![
        Convolutions(112, 16, pointwise(&[32, 16, 96, 24, 64])),
        Convolutions(56, 24, pointwise(&[64, 144, 24, 128, 64, 256, 64, 40, 16, 72])),
        Convolutions(28, 40, pointwise(&[120, 240, 40, 128, 512, 128, 256, 48, 288, 80, 24])),
        Convolutions(14, 80, pointwise(&[480, 112, 672, 160, 256, 1024, 256, 512, 192, 96, 576, 40, 200])),
        Convolutions(7, 192, pointwise(&[1152, 320, 1280, 160, 960, 512, 2048, 512, 96, 384])),
        Convolutions(1, 16, pointwise(&[8, 16, 96, 24, 240, 64, 480, 120, 960, 240, 1152, 48])),
        Convolutions(224, 3, vec![Dense(3, 32, 2), Dense(3, 16, 1), Dense(3, 32, 1), Dense(3, 64, 1)]),
        Convolutions(224, 3, vec![Dense(3, 16, 2), Depthwise(3, 1), Dense(1, 24, 1)]),
        Convolutions(224, 3, vec![Dense(7, 64, 2), Dense(3, 64, 2), Dense(3, 64, 1), Dense(3, 128, 1), Dense(3, 32, 1)]),
        Convolutions(224, 3, vec![Dense(4, 96, 4)]),
        Convolutions(224, 3, vec![Dense(16, 192, 16)]),
        Convolutions(28, 64, vec![Dense(3, 128, 1), Dense(3, 128, 1), Dense(3, 32, 1), Dense(3, 256, 2), Dense(3, 256, 1)]),
        Convolutions(14, 256, vec![Dense(3, 64, 1), Dense(3, 256, 1), Dense(3, 512, 2), Dense(3, 512, 1), Dense(3, 128, 1)]),
        Convolutions(7, 128, vec![Dense(3, 32, 1), Dense(3, 256, 1), Dense(3, 96, 1)]),
        Convolutions(28, 64, vec![Dense(5, 64, 1), Dense(5, 96, 1)]),
        Convolutions(112, 16, vec![Depthwise(3, 1), Dense(1, 32, 1), Depthwise(3, 1), Dense(1, 96, 1), Depthwise(3, 2)]),
        Convolutions(56, 24, vec![Depthwise(3, 1), Dense(1, 144, 1), Depthwise(3, 1), Depthwise(5, 1), Dense(1, 64, 1), Depthwise(3, 1), Depthwise(3, 2)]),
        Convolutions(56, 144, vec![Depthwise(5, 2), Depthwise(3, 1), Depthwise(5, 1), Dense(1, 40, 1), Depthwise(3, 1)]),
        Convolutions(28, 192, vec![Depthwise(3, 1), Dense(1, 240, 1), Depthwise(5, 1), Depthwise(3, 2), Depthwise(5, 1)]),
        Convolutions(14, 480, vec![Depthwise(3, 1), Depthwise(5, 1), Dense(1, 672, 1), Depthwise(3, 1), Depthwise(5, 1), Depthwise(5, 2)]),
        Convolutions(7, 960, vec![Depthwise(3, 1), Depthwise(5, 1), Dense(1, 576, 1), Depthwise(3, 1), Depthwise(7, 1)]),
        Convolutions(56, 96, vec![Depthwise(7, 1)]),
        Convolutions(28, 192, vec![Depthwise(7, 1)]),
        Convolutions(14, 384, vec![Depthwise(7, 1)]),
        Convolutions(56, 128, vec![Grouped(3, 128, 1, 32), Dense(1, 256, 1), Grouped(3, 256, 2, 32), Grouped(3, 256, 1, 8), Dense(1, 512, 1), Grouped(3, 512, 2, 32)]),
        Convolutions(56, 48, vec![Grouped(3, 48, 1, 3), Grouped(3, 48, 2, 6), Dense(1, 112, 1), Grouped(3, 112, 2, 7), Dense(1, 320, 1), Grouped(3, 320, 1, 20), Grouped(3, 320, 2, 5)]),
        Convolutions(28, 96, vec![Grouped(3, 96, 1, 12), Grouped(3, 192, 2, 24), Grouped(3, 192, 1, 24), Grouped(3, 384, 1, 48)]),
    ]
}

/// Chains that measure the ops of the classes that multiply and accumulate.
pub fn chains(element_type: ElementType) -> Vec<Chain> {
    let convolutions = convolutions();
    let mut chains: Vec<Chain> = convolutions
        .iter()
        .map(|convolutions| convolutions.chain(element_type))
        .collect();
    let gemms = |rows, width, outputs: &[usize]| gemms(rows, width, outputs, element_type);
    // Vectors through the last layers of classifiers.
    let last = [1000, 256, 1280, 1000, 2048, 1000, 4096, 64, 576, 1024];
    chains.push(gemms(1, 512, &last));
    // Tokens through the layers of transformers.
    chains.push(gemms(197, 192, &[576, 192, 768, 192]));
    chains.push(gemms(49, 384, &[1536, 384, 768, 768, 3072, 768]));
    chains.push(gemms(784, 96, &[384, 96, 192]));
    chains.push(gemms(3136, 64, &[256, 64, 96]));
    // Products of two activations stay in floats.
    if element_type == ElementType::F32 {
        for (heads, tokens, width) in ATTENTIONS {
            chains.push(attention(heads, tokens, width));
        }
        chains.push(shapes());
    }
    chains
}

/// Chains that measure small ops where exporters put them, their batch open.
pub fn chains_with_small_ops() -> Vec<Chain> {
    let mut chains =
        Vec::from(LAYERS.map(|(heads, tokens, width)| attention_layer(heads, tokens, width)));
    chains.extend(NARROW.map(|(rows, width)| narrow(rows, width)));
    chains.extend([(196, 49), (784, 98)].map(|(rows, columns)| assignment(rows, columns)));
    chains.extend([(3136, 96), (784, 192)].map(|(tokens, width)| largest(tokens, width)));
    for mode in ["nearest", "linear", "cubic"] {
        chains.push(resize(3, 256, 0.875, mode));
        chains.push(resize(64, 28, 2.0, mode));
    }
    chains
}

/// Heads, tokens and width of a head.
const LAYERS: [(usize, usize, usize); 3] = [(3, 197, 64), (6, 49, 32), (1, 784, 32)];

/// Heads, tokens and width of a head.
const ATTENTIONS: [(usize, usize, usize); 5] = [
    (3, 197, 64),
    (6, 49, 32),
    (12, 49, 64),
    (4, 196, 16),
    (64, 49, 32),
];

/// Rows and width of narrow products.
const NARROW: [(usize, usize); 3] = [(38416, 4), (9604, 8), (2401, 3)];

/// The arithmetic of shapes that exporters write for a batch of open size.
fn shapes() -> Chain {
    let mut chain = Chain::new(&[1, 49, 64], ElementType::F32);
    chain.open_batch();
    chain.linear(64);
    for _ in 0..4 {
        let (x, dims) = (chain.end().to_owned(), chain.dims().to_vec());
        let first = chain.initializer(Tensor::from_values(vec![], &[0i64]));
        let axes = chain.initializer(Tensor::from_values(vec![1], &[0i64]));
        let rest = chain.initializer(Tensor::from_values(vec![2], &[64i64, 49]));
        chain.push(Node::new("Shape", "", &[&x], &[]), vec![3]);
        chain.push(Node::new("Gather", "", &["", &first], &[]), vec![]);
        chain.push(Node::new("Unsqueeze", "", &["", &axes], &[]), vec![1]);
        let concat = Node::new("Concat", "", &["", &rest], &[]).with("axis", Attribute::Int(0));
        chain.push(concat, vec![3]);
        chain.push(Node::new("Reshape", "", &[&x, ""], &[]), vec![1, 64, 49]);
        chain.reshape(&dims);
        chain.linear(64);
    }
    chain
}

impl Convolutions {
    fn chain(&self, element_type: ElementType) -> Chain {
        let Convolutions(side, channels, layers) = self;
        let mut chain = Chain::new(&[1, *channels, *side, *side], element_type);
        for layer in layers {
            let channels = chain.dims()[1];
            let (kernel, outputs, stride, groups) = match *layer {
                Dense(kernel, outputs, stride) => (kernel, outputs, stride, 1),
                Depthwise(kernel, stride) => (kernel, channels, stride, channels),
                Grouped(kernel, outputs, stride, groups) => (kernel, outputs, stride, groups),
            };
            chain.conv(Conv {
                outputs,
                kernel,
                stride,
                groups,
            });
        }
        chain.quantize();
        chain
    }
}

fn gemms(rows: usize, width: usize, outputs: &[usize], element_type: ElementType) -> Chain {
    let mut chain = Chain::new(&[1, rows, width], element_type);
    for &outputs in outputs {
        chain.linear(outputs);
    }
    chain.quantize();
    chain
}

/// Scores of `heads` times `tokens` queries of `width`, and the values that they weigh.
fn attention(heads: usize, tokens: usize, width: usize) -> Chain {
    let mut chain = Chain::new(&[1, heads, tokens, width], ElementType::F32);
    chain.linear(width);
    let query = chain.end().to_owned();
    let dims = vec![1, heads, width, tokens];
    chain.push(
        Node::new("Transpose", "", &[&query], &[]).with("perm", Attribute::Ints(vec![0, 1, 3, 2])),
        dims,
    );
    let key = chain.end().to_owned();
    chain.push(
        Node::new("MatMul", "", &[&query, &key], &[]),
        vec![1, heads, tokens, tokens],
    );
    let scores = chain.end().to_owned();
    chain.push(
        Node::new("MatMul", "", &[&scores, &query], &[]),
        vec![1, heads, tokens, width],
    );
    chain
}

/// An attention layer over `tokens` of `heads` × `width` channels, as exporters write it.
fn attention_layer(heads: usize, tokens: usize, width: usize) -> Chain {
    let channels = heads * width;
    let mut chain = Chain::new(&[1, tokens, channels], ElementType::F32);
    chain.open_batch();
    let x = chain.end().to_owned();
    let project = |chain: &mut Chain, order: &[usize], dims: Vec<usize>| {
        let weight = chain.weight(&[channels, channels]);
        let product = Node::new("MatMul", "", &[&x, &weight], &[]);
        chain.push(product, vec![1, tokens, channels]);
        chain.bias("Add");
        chain.reshape(&[1, tokens, heads, width]);
        chain.permute(order, dims);
        chain.end().to_owned()
    };
    let query = project(&mut chain, &[0, 2, 1, 3], vec![1, heads, tokens, width]);
    let key = project(&mut chain, &[0, 2, 3, 1], vec![1, heads, width, tokens]);
    let value = project(&mut chain, &[0, 2, 1, 3], vec![1, heads, tokens, width]);
    let square = vec![1, heads, tokens, tokens];
    chain.push(
        Node::new("MatMul", "", &[&query, &key], &[]),
        square.clone(),
    );
    let scale = chain.scalar(0.125);
    chain.push(Node::new("Mul", "", &["", &scale], &[]), square.clone());
    let softmax = Node::new("Softmax", "", &[""], &[]);
    chain.push(softmax.with("axis", Attribute::Int(-1)), square);
    let mixed = vec![1, heads, tokens, width];
    chain.push(Node::new("MatMul", "", &["", &value], &[]), mixed);
    chain.permute(&[0, 2, 1, 3], vec![1, tokens, heads, width]);
    chain.reshape(&[1, tokens, channels]);
    chain.linear(channels);
    chain.bias("Add");
    chain
}

/// What mixes few heads for every pair of tokens, as talking heads and learned positions do.
fn narrow(rows: usize, width: usize) -> Chain {
    let mut chain = Chain::new(&[1, rows, width], ElementType::F32);
    chain.open_batch();
    for _ in 0..2 {
        chain.linear(width);
        chain.bias("Add");
    }
    chain
}

/// An assignment to all elements of `rows` × `columns`, as exporters write one to a slice: every
/// element comes with its indices.
fn assignment(rows: usize, columns: usize) -> Chain {
    let mut chain = Chain::new(&[1, rows, columns], ElementType::F32);
    chain.open_batch();
    chain.linear(columns);
    let (x, dims) = (chain.end().to_owned(), chain.dims().to_vec());
    chain.push(Node::new("Relu", "", &[""], &[]), dims.clone());
    let updates = chain.end().to_owned();
    chain.push(Node::new("Shape", "", &[&x], &[]), vec![3]);
    let shape = chain.end().to_owned();
    let last = chain.initializer(Tensor::from_values(vec![1], &[3i64]));
    let mut indices = Vec::new();
    for grid in [[1, 1, 1], [1, rows, 1], [1, 1, columns]] {
        let values: Vec<i64> = (0..grid.iter().product::<usize>() as i64).collect();
        let grid = chain.initializer(Tensor::from_values(grid.to_vec(), &values));
        chain.push(Node::new("Expand", "", &[&grid, &shape], &[]), dims.clone());
        let unsqueeze = Node::new("Unsqueeze", "", &["", &last], &[]);
        chain.push(unsqueeze, vec![1, rows, columns, 1]);
        indices.push(chain.end().to_owned());
    }
    let indices: Vec<&str> = indices.iter().map(String::as_str).collect();
    let concat = Node::new("Concat", "", &indices, &[]).with("axis", Attribute::Int(-1));
    chain.push(concat, vec![1, rows, columns, 3]);
    chain.push(Node::new("ScatterND", "", &[&x, "", &updates], &[]), dims);
    chain.linear(columns);
    chain
}

/// The largest of every four tokens, as pooled attention takes it.
fn largest(tokens: usize, width: usize) -> Chain {
    let mut chain = Chain::new(&[1, tokens, width], ElementType::F32);
    chain.open_batch();
    chain.linear(width);
    chain.reshape(&[1, 4, tokens / 4, width]);
    let node = Node::new("ReduceMax", "", &[""], &[])
        .with("axes", Attribute::Ints(vec![1]))
        .with("keepdims", Attribute::Int(0));
    chain.push(node, vec![1, tokens / 4, width]);
    chain.linear(width);
    chain
}

/// An image of `side` pixels, scaled by `scale`.
fn resize(channels: usize, side: usize, scale: f32, mode: &str) -> Chain {
    let mut chain = Chain::new(&[1, channels, side, side], ElementType::F32);
    let region = chain.initializer(Tensor::from_values::<f32>(vec![0], &[]));
    let scales = chain.initializer(Tensor::from_values(vec![4], &[1.0, 1.0, scale, scale]));
    let node = Node::new("Resize", "", &["", &region, &scales], &[]);
    let to = (side as f32 * scale) as usize;
    chain.push(
        node.with("mode", Attribute::from(mode)),
        vec![1, channels, to, to],
    );
    chain.conv(Conv::pointwise(16));
    chain
}
