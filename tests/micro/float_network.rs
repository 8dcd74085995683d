//! A network of floats with many ops, and what has no form in LiteRT.

use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A graph that takes images of 3 × 12 × 12 and gives 5 numbers, on its way.
struct Drawn {
    graph: Graph,
    random: ChaCha8Rng,
}

impl Drawn {
    /// A constant.
    fn constant(&mut self, name: &str, dims: &[usize]) {
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| self.random.random_range(0.1..0.9))
            .collect();
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        self.graph.initializers.insert(name.into(), tensor);
    }

    fn ints(&mut self, name: &str, values: &[i64]) {
        let tensor = Tensor::from_values(vec![values.len()], values);
        self.graph.initializers.insert(name.into(), tensor);
    }

    fn floats(&mut self, name: &str, values: &[f32]) {
        let tensor = Tensor::from_values(vec![values.len()], values);
        self.graph.initializers.insert(name.into(), tensor);
    }

    /// A node that is called as its result.
    fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) {
        let mut node = Node::new(op, output, inputs, &[output]);
        for (name, attribute) in attributes {
            node = node.with(name, attribute.clone());
        }
        self.graph.nodes.push(node);
    }
}

fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// Convolutions with every kind of padding, pools, functions, sums, resampling, and an image that is made a row.
pub fn float_network() -> Graph {
    let mut graph = Graph::new("floats", 17);
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().copied().map(Dim::Known);
        std::iter::once(Dim::Symbol("n".into()))
            .chain(known)
            .collect()
    };
    graph.inputs.push(ValueInfo::f32("x", sizes(&[3, 12, 12])));
    graph.outputs.push(ValueInfo::f32("y", sizes(&[5])));
    let mut drawn = Drawn {
        graph,
        random: ChaCha8Rng::seed_from_u64(5),
    };
    let made = &mut drawn;
    made.constant("stem.w", &[8, 3, 3, 3]);
    let uneven = [("strides", ints(&[2, 2])), ("pads", ints(&[1, 1, 0, 0]))];
    made.node("Conv", &["x", "stem.w"], "stem", &uneven);
    made.node("HardSwish", &["stem"], "a", &[]);
    made.constant("deep.w", &[8, 1, 3, 3]);
    made.constant("deep.b", &[8]);
    let deep = [("group", Attribute::Int(8)), ("pads", ints(&[1, 1, 1, 1]))];
    made.node("Conv", &["a", "deep.w", "deep.b"], "deep", &deep);
    made.node("Relu", &["deep"], "b", &[]);
    // A squeeze, an excitation.
    let means = [("axes", ints(&[2, 3])), ("keepdims", Attribute::Int(1))];
    made.node("ReduceMean", &["b"], "squeezed", &means);
    made.constant("excite.w", &[8, 8, 1, 1]);
    made.node("Conv", &["squeezed", "excite.w"], "excited", &[]);
    made.node("HardSigmoid", &["excited"], "gate", &[]);
    made.node("Mul", &["b", "gate"], "c", &[]);
    made.node("Add", &["c", "a"], "d", &[]);
    for name in ["norm.s", "norm.b", "norm.m", "norm.v"] {
        made.constant(name, &[8]);
    }
    let norm = ["d", "norm.s", "norm.b", "norm.m", "norm.v"];
    made.node("BatchNormalization", &norm, "e", &[]);
    made.constant("groups.w", &[8, 4, 1, 3]);
    let groups = [("group", Attribute::Int(2)), ("pads", ints(&[0, 1, 0, 1]))];
    made.node("Conv", &["e", "groups.w"], "f", &groups);
    let pooled = [
        ("kernel_shape", ints(&[3, 3])),
        ("strides", ints(&[2, 2])),
        ("pads", ints(&[1, 1, 1, 1])),
    ];
    made.node("MaxPool", &["f"], "g", &pooled);
    let counted = [
        pooled.as_slice(),
        &[("count_include_pad", Attribute::Int(1))],
    ]
    .concat();
    made.node("AveragePool", &["f"], "h", &counted);
    made.node("Concat", &["g", "h"], "i", &[("axis", Attribute::Int(1))]);
    made.floats("scales", &[1.0, 1.0, 2.0, 2.0]);
    let nearest = [
        ("mode", "nearest".into()),
        ("coordinate_transformation_mode", "asymmetric".into()),
        ("nearest_mode", "floor".into()),
    ];
    made.node("Resize", &["i", "", "scales"], "j", &nearest);
    let linear = [("mode", "linear".into())];
    made.node("Resize", &["i", "", "scales"], "k", &linear);
    made.constant("offset", &[16, 1, 1]);
    made.node("Sub", &["j", "offset"], "l", &[]);
    made.node("Div", &["l", "offset"], "m", &[]);
    made.node("LeakyRelu", &["m"], "n", &[]);
    made.node("Add", &["n", "k"], "o", &[]);
    made.ints("amounts", &[0, 0, 1, 0, 0, 0, 0, 2]);
    made.node("Pad", &["o", "amounts", "fill"], "p", &[]);
    for (name, value) in [("fill", 0.25f32), ("low", -0.5), ("high", 2.5)] {
        let scalar = Tensor::from_values(Vec::new(), &[value]);
        made.graph.initializers.insert(name.into(), scalar);
    }
    made.node("Clip", &["p", "low", "high"], "q", &[]);
    made.node("Flatten", &["q"], "r", &[]);
    made.constant("head.w", &[5, 16 * 7 * 8]);
    made.constant("head.b", &[5]);
    let head = [
        ("transB", Attribute::Int(1)),
        ("alpha", Attribute::Float(0.01)),
    ];
    made.node("Gemm", &["r", "head.w", "head.b"], "s", &head);
    made.node("Softmax", &["s"], "y", &[]);
    drawn.graph
}
