//! Small networks for the tests, and numbers that look random.

use edgefit_engine::{Array, Engine, EngineName, InProcess, random_arrays};
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// A graph that takes x (n, `sizes`) and gives y.
pub(crate) fn graph(sizes: &[usize]) -> Graph {
    let mut graph = Graph::new("small", 17);
    let known = sizes.iter().copied().map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("n".into())).chain(known);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    graph.outputs.push(ValueInfo::float("y"));
    graph
}

/// Gives `graph` a weight of numbers between −1 and 1.
pub(crate) fn weight(graph: &mut Graph, name: &str, dims: &[usize]) {
    let count: usize = dims.iter().product();
    let seed = name.bytes().map(f32::from).sum::<f32>();
    let values = (0..count).map(|at| (at as f32 * 12.9898 + seed).sin() * 43_758.547);
    let values: Vec<f32> = values
        .map(|value| 2.0 * (value - value.floor()) - 1.0)
        .collect();
    let tensor = Tensor::from_values(dims.to_vec(), &values);
    graph.initializers.insert(name.into(), tensor);
}

/// A convolution with the weight `name` of these dimensions, padded to keep the size of images.
pub(crate) fn conv(
    graph: &mut Graph,
    name: &str,
    [x, y]: [&str; 2],
    dims: [usize; 3],
    groups: i64,
) {
    let [made, read, kernel] = dims;
    let (w, b) = (format!("{name}.w"), format!("{name}.b"));
    weight(graph, &w, &[made, read, kernel, kernel]);
    weight(graph, &b, &[made]);
    let pads = Attribute::Ints(vec![(kernel / 2) as i64; 4]);
    let node = Node::new("Conv", name, &[x, &w, &b], &[y]);
    graph.nodes.push(
        node.with("pads", pads)
            .with("group", Attribute::Int(groups)),
    );
}

/// A node without attributes.
pub(crate) fn node(graph: &mut Graph, op: &str, inputs: &[&str], output: &str) {
    graph.nodes.push(Node::new(op, output, inputs, &[output]));
}

/// Integers that a node reads.
pub(crate) fn integers(graph: &mut Graph, name: &str, values: &[i64]) {
    let tensor = Tensor::from_values(vec![values.len()], values);
    graph.initializers.insert(name.into(), tensor);
}

/// A Slice of `x` along one dimension.
fn slice(graph: &mut Graph, name: &str, x: &str, [start, end, axis, step]: [i64; 4]) {
    let inputs = ["start", "end", "axis", "step"].map(|what| format!("{name}.{what}"));
    for (input, value) in inputs.iter().zip([start, end, axis, step]) {
        integers(graph, input, &[value]);
    }
    let [start, end, axis, step] = &inputs;
    node(graph, "Slice", &[x, start, end, axis, step], name);
}

/// x (n, 4, 6, 6) → an inverted residual with squeeze-and-excite → a grouped convolution → halves that
/// multiply each other → concatenation → flatten → 3 logits.
pub(crate) fn network() -> Graph {
    let mut graph = graph(&[4, 6, 6]);
    let g = &mut graph;
    conv(g, "stem", ["x", "s"], [16, 4, 3], 1);
    conv(g, "expand", ["s", "e0"], [32, 16, 1], 1);
    node(g, "Relu", &["e0"], "e");
    conv(g, "depthwise", ["e", "d0"], [32, 1, 3], 32);
    node(g, "Relu", &["d0"], "d");
    node(g, "GlobalAveragePool", &["d"], "pooled");
    conv(g, "squeeze", ["pooled", "q0"], [8, 32, 1], 1);
    node(g, "Relu", &["q0"], "q");
    conv(g, "excite", ["q", "g0"], [32, 8, 1], 1);
    node(g, "Sigmoid", &["g0"], "gate");
    node(g, "Mul", &["d", "gate"], "gated");
    conv(g, "project", ["gated", "p"], [16, 32, 1], 1);
    node(g, "Add", &["s", "p"], "trunk");
    conv(g, "grouped", ["trunk", "u"], [16, 8, 3], 2);
    integers(g, "halves", &[8, 8]);
    let split = Node::new("Split", "split", &["u", "halves"], &["a", "b"]);
    g.nodes.push(split.with("axis", Attribute::Int(1)));
    node(g, "Mul", &["a", "b"], "product");
    conv(g, "side", ["trunk", "v"], [8, 16, 1], 1);
    let concat = Node::new("Concat", "concat", &["product", "v"], &["joined"]);
    g.nodes.push(concat.with("axis", Attribute::Int(1)));
    integers(g, "flat.shape", &[-1, 16 * 36]);
    node(g, "Reshape", &["joined", "flat.shape"], "flat");
    weight(g, "head.w", &[3, 16 * 36]);
    weight(g, "head.b", &[3]);
    let head = Node::new("Gemm", "head", &["flat", "head.w", "head.b"], &["y"]);
    g.nodes.push(head.with("transB", Attribute::Int(1)));
    graph.check().unwrap();
    graph
}

/// x (n, 4, 6, 6) → a convolution, normalised → a shuffle whose shape is computed → halves, swapped → a
/// transposed convolution, whose output is resized and normalised by channel → a hidden layer → 3 logits.
pub(crate) fn shuffled() -> Graph {
    let mut graph = graph(&[4, 6, 6]);
    let g = &mut graph;
    conv(g, "a", ["x", "a0"], [16, 4, 3], 1);
    for name in ["scale", "shift", "mean"] {
        weight(g, name, &[16]);
    }
    let variance = Tensor::from_values(vec![16], &[0.5f32; 16]);
    g.initializers.insert("variance".into(), variance);
    let inputs = ["a0", "scale", "shift", "mean", "variance"];
    node(g, "BatchNormalization", &inputs, "a1");
    weight(g, "slope", &[16, 1, 1]);
    node(g, "PRelu", &["a1", "slope"], "a2");
    integers(g, "first", &[0]);
    integers(g, "apart", &[2, 8, 36]);
    node(g, "Shape", &["x"], "shape");
    node(g, "Gather", &["shape", "first"], "batch");
    let concat = Node::new("Concat", "target", &["batch", "apart"], &["target"]);
    g.nodes.push(concat.with("axis", Attribute::Int(0)));
    node(g, "Reshape", &["a2", "target"], "parts");
    let perm = Attribute::Ints(vec![0, 2, 1, 3]);
    let turned = Node::new("Transpose", "turned", &["parts"], &["turned"]);
    g.nodes.push(turned.with("perm", perm));
    integers(g, "together", &[0, 16, 6, 6]);
    node(g, "Reshape", &["turned", "together"], "mixed");
    slice(g, "low", "mixed", [0, 8, 1, 1]);
    slice(g, "high", "mixed", [8, i64::MAX, 1, 1]);
    let swapped = Node::new("Concat", "swapped", &["high", "low"], &["swapped"]);
    g.nodes.push(swapped.with("axis", Attribute::Int(1)));
    weight(g, "t.w", &[16, 8, 2, 2]);
    node(g, "ConvTranspose", &["swapped", "t.w"], "t");
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.0, 2.0]);
    g.initializers.insert("scales".into(), scales);
    node(g, "Resize", &["t", "", "scales"], "large");
    for name in ["i.scale", "i.shift"] {
        weight(g, name, &[8]);
    }
    node(
        g,
        "InstanceNormalization",
        &["large", "i.scale", "i.shift"],
        "i",
    );
    node(g, "Relu", &["i"], "r");
    node(g, "GlobalAveragePool", &["r"], "p");
    node(g, "Flatten", &["p"], "f");
    for (name, dims) in [("up.w", [8, 32]), ("down.w", [32, 3])] {
        weight(g, name, &dims);
    }
    weight(g, "up.b", &[32]);
    node(g, "MatMul", &["f", "up.w"], "up");
    node(g, "Add", &["up.b", "up"], "biased");
    node(g, "Tanh", &["biased"], "hidden");
    node(g, "MatMul", &["hidden", "down.w"], "y");
    graph.check().unwrap();
    graph
}

/// x (n, 4, 6, 6) → a convolution → every other row, its columns turned round → resized along the two dimensions of
/// the image → times its mean, expanded to a shape without the batch → a convolution → 3 logits.
pub(crate) fn stepped() -> Graph {
    let mut graph = graph(&[4, 6, 6]);
    graph.opsets.insert(String::new(), 18);
    let g = &mut graph;
    conv(g, "a", ["x", "a0"], [16, 4, 3], 1);
    slice(g, "rows", "a0", [0, i64::MAX, 2, 2]);
    slice(g, "turned", "rows", [-1, i64::MIN, 3, -1]);
    integers(g, "sizes", &[6, 8]);
    let inputs = ["turned", "", "", "sizes"];
    let resize = Node::new("Resize", "large", &inputs, &["large"]);
    g.nodes
        .push(resize.with("axes", Attribute::Ints(vec![2, 3])));
    node(g, "GlobalAveragePool", &["large"], "mean");
    integers(g, "wide", &[16, 6, 8]);
    node(g, "Expand", &["mean", "wide"], "means");
    node(g, "Mul", &["large", "means"], "product");
    conv(g, "b", ["product", "b0"], [8, 16, 3], 1);
    integers(g, "flat.shape", &[-1, 8 * 48]);
    node(g, "Reshape", &["b0", "flat.shape"], "flat");
    weight(g, "head.w", &[8 * 48, 3]);
    node(g, "MatMul", &["flat", "head.w"], "y");
    graph.check().unwrap();
    graph
}

/// x (n, 4, 6, 6) → three convolutions of single pixels, whose channels say much the same → y (n, 3, 6, 6).
pub(crate) fn chain() -> Graph {
    let mut graph = graph(&[4, 6, 6]);
    let g = &mut graph;
    conv(g, "a", ["x", "a0"], [16, 4, 1], 1);
    node(g, "Relu", &["a0"], "a1");
    conv(g, "b", ["a1", "b0"], [16, 16, 1], 1);
    node(g, "Relu", &["b0"], "b1");
    conv(g, "c", ["b1", "y"], [3, 16, 1], 1);
    graph
}

/// Batches of inputs for those networks.
pub(crate) fn samples<const N: usize>() -> [Vec<Array>; N] {
    std::array::from_fn(|seed| random_arrays([vec![2, 4, 6, 6]], seed as u64))
}

/// An engine that is always there.
pub(crate) fn engine() -> InProcess {
    InProcess::new(EngineName::Tract, 1)
}

/// What `graph` makes of `inputs`.
pub(crate) fn run(graph: &Graph, inputs: &[Array]) -> Vec<f32> {
    let mut engine = engine();
    engine.load(graph).unwrap();
    engine.run(inputs).unwrap().swap_remove(0).values
}
