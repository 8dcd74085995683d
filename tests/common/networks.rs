//! Small networks with the ops of the usual libraries, in the forms that their exporters write.

use edgefit::graph::rewrite::extract;
use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights that are neither round nor alike.
fn weight(graph: &mut Graph, name: &str, dims: &[usize], centre: f32) {
    let count: usize = dims.iter().product();
    let phase = name.len() as f32;
    let values: Vec<f32> = (0..count)
        .map(|index| centre + 0.4 * (index as f32 * 0.77 + phase).sin())
        .collect();
    graph
        .initializers
        .insert(name.into(), Tensor::from_values(dims.to_vec(), &values));
}

fn list(graph: &mut Graph, name: &str, values: &[i64]) {
    let tensor = Tensor::from_values(vec![values.len()], values);
    graph.initializers.insert(name.into(), tensor);
}

/// A vision transformer in the form that PyTorch exports: patches by a convolution, the batch read
/// from the shape, a class token spread over it, attention with a mask by position, two heads whose
/// mean is taken.
pub fn transformer() -> Graph {
    let mut graph = Graph::new("transformer", 17);
    let dims = [3, 16, 16].map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("batch".into())).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    let dims = vec![Dim::Symbol("batch".into()), Dim::Known(5)];
    graph.outputs.push(ValueInfo::f32("y", dims));
    let width = 12;
    weight(&mut graph, "patch", &[width, 3, 4, 4], 0.0);
    weight(&mut graph, "patch.bias", &[width], 0.0);
    weight(&mut graph, "token", &[1, 1, width], 0.0);
    weight(&mut graph, "position", &[1, 17, width], 0.0);
    weight(&mut graph, "norm", &[width], 1.0);
    weight(&mut graph, "norm.bias", &[width], 0.0);
    weight(&mut graph, "qkv", &[width, 3 * width], 0.0);
    weight(&mut graph, "qkv.bias", &[3 * width], 0.0);
    weight(&mut graph, "project", &[width, width], 0.0);
    weight(&mut graph, "head", &[5, width], 0.0);
    weight(&mut graph, "head.bias", &[5], 0.0);
    weight(&mut graph, "distilled", &[5, width], 0.1);
    list(&mut graph, "zero", &[0]);
    list(&mut graph, "one", &[1]);
    list(&mut graph, "two", &[2]);
    list(&mut graph, "width", &[width as i64]);
    list(&mut graph, "minus one", &[-1]);
    list(&mut graph, "heads", &[3, 3, width as i64 / 3]);
    for (name, value) in [
        ("scale", 0.5f32),
        ("half", 2.0),
        ("none", 0.0),
        ("least", -1e4),
    ] {
        let scalar = Tensor::from_values(vec![], &[value]);
        graph.initializers.insert(name.into(), scalar);
    }
    let scalar = |value: i64| Attribute::Tensor(Tensor::from_values(vec![], &[value]));
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let int = Attribute::Int;
    graph.nodes = vec![
        Node::new("Conv", "", &["x", "patch", "patch.bias"], &["patches"])
            .with("strides", ints(&[4, 4])),
        Node::new("Shape", "", &["patches"], &["shape"]),
        Node::new("Slice", "", &["shape", "zero", "two"], &["outer"]),
        Node::new("Concat", "", &["outer", "minus one"], &["flat"]).with("axis", int(0)),
        Node::new("Reshape", "", &["patches", "flat"], &["channels first"]),
        Node::new("Transpose", "", &["channels first"], &["tokens"]).with("perm", ints(&[0, 2, 1])),
        Node::new("Constant", "", &[], &["first"]).with("value", scalar(0)),
        Node::new("Gather", "", &["shape", "first"], &["batch"]),
        Node::new("Unsqueeze", "", &["batch", "zero"], &["batches"]),
        Node::new("Concat", "", &["batches", "one", "width"], &["token shape"])
            .with("axis", int(0)),
        Node::new("Expand", "", &["token", "token shape"], &["own tokens"]),
        Node::new("Concat", "", &["own tokens", "tokens"], &["all"]).with("axis", int(1)),
        Node::new("Add", "", &["all", "position"], &["placed"]),
        Node::new(
            "LayerNormalization",
            "",
            &["placed", "norm", "norm.bias"],
            &["normal"],
        ),
        Node::new("MatMul", "", &["normal", "qkv"], &["projected"]),
        Node::new("Add", "", &["qkv.bias", "projected"], &["mixed"]),
        Node::new("Shape", "", &["mixed"], &["mixed shape"]),
        Node::new("Slice", "", &["mixed shape", "zero", "two"], &["rows"]),
        Node::new("Concat", "", &["rows", "heads"], &["by head"]).with("axis", int(0)),
        Node::new("Reshape", "", &["mixed", "by head"], &["apart"]),
        Node::new("Transpose", "", &["apart"], &["turned"]).with("perm", ints(&[2, 0, 3, 1, 4])),
        Node::new("Split", "", &["turned"], &["q1", "k1", "v1"]).with("axis", int(0)),
        Node::new("Squeeze", "", &["q1", "zero"], &["q"]),
        Node::new("Squeeze", "", &["k1", "zero"], &["k"]),
        Node::new("Squeeze", "", &["v1", "zero"], &["v"]),
        Node::new("Transpose", "", &["k"], &["kt"]).with("perm", ints(&[0, 1, 3, 2])),
        Node::new("MatMul", "", &["q", "kt"], &["scores"]),
        Node::new("Mul", "", &["scores", "scale"], &["scaled"]),
        Node::new("Less", "", &["scaled", "least"], &["hidden"]),
        Node::new("Where", "", &["hidden", "none", "scaled"], &["masked"]),
        Node::new("Softmax", "", &["masked"], &["attention"]).with("axis", int(-1)),
        Node::new("MatMul", "", &["attention", "v"], &["read"]),
        Node::new("Transpose", "", &["read"], &["back"]).with("perm", ints(&[0, 2, 1, 3])),
        Node::new("Shape", "", &["placed"], &["goal"]),
        Node::new("Reshape", "", &["back", "goal"], &["together"]),
        Node::new("MatMul", "", &["together", "project"], &["out"]),
        Node::new("Add", "", &["placed", "out"], &["deep"]),
        Node::new("Gather", "", &["deep", "first"], &["own"]).with("axis", int(1)),
        Node::new("ReduceMean", "", &["deep"], &["mean"])
            .with("axes", ints(&[1]))
            .with("keepdims", int(0)),
        Node::new("Gemm", "fc", &["own", "head", "head.bias"], &["one head"])
            .with("transB", int(1)),
        Node::new(
            "Gemm",
            "fc.dist",
            &["mean", "distilled", "head.bias"],
            &["other head"],
        )
        .with("transB", int(1)),
        Node::new("Add", "", &["one head", "other head"], &["sum"]),
        Node::new("Div", "", &["sum", "half"], &["y"]),
    ];
    graph
}

/// Resampling, gates, groups and the older ways to write them.
pub fn segmenter(opset: i64) -> Graph {
    let mut graph = Graph::new("segmenter", opset);
    let dims = [4, 9, 7].map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("batch".into())).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    graph.outputs.push(ValueInfo::float("y"));
    weight(&mut graph, "down", &[6, 2, 3, 3], 0.0);
    weight(&mut graph, "scale", &[6], 1.0);
    weight(&mut graph, "shift", &[6], 0.0);
    weight(&mut graph, "mean", &[6], 0.0);
    weight(&mut graph, "variance", &[6], 1.0);
    weight(&mut graph, "gate", &[6, 6, 1, 1], 0.0);
    weight(&mut graph, "slope", &[6, 1, 1], 0.2);
    weight(&mut graph, "up", &[6, 4, 2, 2], 0.0);
    list(&mut graph, "pads", &[0, 0, 1, 0, 0, 0, 1, 2]);
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.0, 1.5]);
    graph.initializers.insert("scales".into(), scales);
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let text = |value: &str| Attribute::from(value);
    let resize = match opset {
        10 => {
            Node::new("Resize", "", &["gated", "scales"], &["large"]).with("mode", text("nearest"))
        }
        _ => Node::new("Resize", "", &["gated", "", "scales"], &["large"])
            .with("mode", text("linear"))
            .with("coordinate_transformation_mode", text("half_pixel")),
    };
    let pad = match opset {
        10 => Node::new("Pad", "", &["x"], &["padded"])
            .with("pads", ints(&[0, 0, 1, 0, 0, 0, 1, 2]))
            .with("mode", text("reflect")),
        _ => Node::new("Pad", "", &["x", "pads"], &["padded"]).with("mode", text("reflect")),
    };
    let normalized = ["convolved", "scale", "shift", "mean", "variance"];
    graph.nodes = vec![
        pad,
        Node::new("Conv", "", &["padded", "down"], &["convolved"])
            .with("group", Attribute::Int(2))
            .with("strides", ints(&[2, 2]))
            .with("dilations", ints(&[2, 1])),
        Node::new("BatchNormalization", "", &normalized, &["normal"]),
        Node::new("PRelu", "", &["normal", "slope"], &["active"]),
        Node::new("GlobalAveragePool", "", &["active"], &["pooled"]),
        Node::new("Conv", "", &["pooled", "gate"], &["gate in"]),
        Node::new("HardSigmoid", "", &["gate in"], &["gate out"]),
        Node::new("Mul", "", &["active", "gate out"], &["gated"]),
        resize,
        Node::new("ConvTranspose", "", &["large", "up"], &["up out"])
            .with("strides", ints(&[2, 2])),
        Node::new("DepthToSpace", "", &["up out"], &["space"]).with("blocksize", Attribute::Int(2)),
        Node::new("AveragePool", "", &["space"], &["smooth"])
            .with("kernel_shape", ints(&[3, 3]))
            .with("strides", ints(&[2, 2]))
            .with("pads", ints(&[1, 1, 1, 1]))
            .with("ceil_mode", Attribute::Int(i64::from(opset > 10))),
        Node::new("ReduceMax", "", &["smooth"], &["y"])
            .with("axes", ints(&[1, 3]))
            .with("keepdims", Attribute::Int(0)),
    ];
    graph
}

/// Numbers in −½ … ½ from a name.
fn noise(name: &str, count: usize) -> Vec<f32> {
    let mut seed = [0; 32];
    for (index, byte) in name.bytes().enumerate() {
        seed[index % 32] ^= byte.rotate_left(index as u32 / 32);
    }
    let mut random = ChaCha8Rng::from_seed(seed);
    (0..count).map(|_| random.random_range(-0.5..0.5)).collect()
}

/// Nodes that are put behind one another, each called as its only output.
struct Chain {
    graph: Graph,
    /// In front of all names.
    prefix: String,
}

impl Chain {
    /// A node on values of its block, or on `/values` of the whole graph; returns its output.
    fn push(&mut self, op: &str, name: &str, inputs: &[&str]) -> &mut Node {
        let full = |name: &str| match name.strip_prefix('/') {
            Some(name) => name.to_owned(),
            None => format!("{}{name}", self.prefix),
        };
        let inputs: Vec<String> = inputs.iter().map(|input| full(input)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let name = full(name);
        let node = Node::new(op, &name, &inputs, &[&name]);
        self.graph.nodes.push(node);
        self.graph.nodes.last_mut().unwrap()
    }

    fn weight(&mut self, name: &str, dims: &[usize], centre: f32) {
        let name = format!("{}{name}", self.prefix);
        let noise = noise(&name, dims.iter().product());
        let values: Vec<f32> = noise.iter().map(|noise| centre + 0.7 * noise).collect();
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        self.graph.initializers.insert(name, tensor);
    }

    fn scalar(&mut self, name: &str, value: f32) {
        let tensor = Tensor::from_values(vec![], &[value]);
        self.graph
            .initializers
            .insert(format!("{}{name}", self.prefix), tensor);
    }

    /// A product with a matrix, and an offset.
    fn linear(&mut self, name: &str, input: &str, [rows, columns]: [usize; 2]) {
        let [w, b, product] = ["w", "b", "product"].map(|part| format!("{name}.{part}"));
        self.weight(&w, &[rows, columns], 0.0);
        self.weight(&b, &[columns], 0.0);
        self.push("MatMul", &product, &[input, &w]);
        self.push("Add", name, &[&product, &b]);
    }

    fn layer_norm(&mut self, name: &str, input: &str, width: usize) {
        let [w, b] = ["w", "b"].map(|part| format!("{name}.{part}"));
        self.weight(&w, &[width], 1.0);
        self.weight(&b, &[width], 0.0);
        let node = self.push("LayerNormalization", name, &[input, &w, &b]);
        node.attributes
            .insert("epsilon".into(), Attribute::Float(1e-5));
    }
}

/// A vision transformer of `depth` blocks: 16 tokens of 32 numbers, 4 heads, attention and a network of
/// two layers with GELU, each behind a layer normalisation and added to what came in.
pub fn vision_transformer(depth: usize) -> Graph {
    const WIDTH: usize = 32;
    let mut graph = Graph::new("vit", 17);
    let batch = || Dim::Symbol("batch".into());
    let dims = [3, 16, 16].map(Dim::Known);
    let dims = std::iter::once(batch()).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    let dims = vec![batch(), Dim::Known(10)];
    graph.outputs.push(ValueInfo::f32("logits", dims));
    list(&mut graph, "tokens", &[0, WIDTH as i64, 16]);
    list(&mut graph, "heads", &[0, 16, 3, 4, 8]);
    list(&mut graph, "joined", &[0, 16, WIDTH as i64]);
    for index in 0..3i64 {
        let tensor = Tensor::from_values(vec![], &[index]);
        graph.initializers.insert(format!("at{index}"), tensor);
    }
    let mut chain = Chain {
        graph,
        prefix: String::new(),
    };
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let set = |node: &mut Node, name: &str, value: Attribute| {
        node.attributes.insert(name.into(), value);
    };
    chain.weight("patch.w", &[WIDTH, 3, 4, 4], 0.0);
    chain.weight("patch.b", &[WIDTH], 0.0);
    chain.weight("position", &[1, 16, WIDTH], 0.0);
    let patch = chain.push("Conv", "patch", &["x", "patch.w", "patch.b"]);
    set(patch, "strides", ints(&[4, 4]));
    chain.push("Reshape", "flat", &["patch", "tokens"]);
    let turned = chain.push("Transpose", "turned", &["flat"]);
    set(turned, "perm", ints(&[0, 2, 1]));
    chain.push("Add", "placed", &["turned", "position"]);
    let mut x = "/placed".to_owned();
    for block in 0..depth {
        chain.prefix = format!("block{block}.");
        chain.layer_norm("norm1", &x, WIDTH);
        chain.linear("qkv", "norm1", [WIDTH, 3 * WIDTH]);
        chain.push("Reshape", "apart", &["qkv", "/heads"]);
        let roles = chain.push("Transpose", "roles", &["apart"]);
        set(roles, "perm", ints(&[2, 0, 3, 1, 4]));
        for (index, name) in ["q", "k", "v"].into_iter().enumerate() {
            let role = chain.push("Gather", name, &["roles", &format!("/at{index}")]);
            set(role, "axis", Attribute::Int(0));
        }
        let turned = chain.push("Transpose", "kt", &["k"]);
        set(turned, "perm", ints(&[0, 1, 3, 2]));
        chain.push("MatMul", "scores", &["q", "kt"]);
        chain.scalar("scale", 0.35);
        chain.push("Mul", "scaled", &["scores", "scale"]);
        let attention = chain.push("Softmax", "attention", &["scaled"]);
        set(attention, "axis", Attribute::Int(-1));
        chain.push("MatMul", "read", &["attention", "v"]);
        let back = chain.push("Transpose", "back", &["read"]);
        set(back, "perm", ints(&[0, 2, 1, 3]));
        chain.push("Reshape", "together", &["back", "/joined"]);
        chain.linear("project", "together", [WIDTH, WIDTH]);
        chain.push("Add", "attended", &[&x, "project"]);
        chain.layer_norm("norm2", "attended", WIDTH);
        chain.linear("up", "norm2", [WIDTH, 2 * WIDTH]);
        // GELU as exporters write it: x · (1 + erf(x / √2)) / 2.
        for (name, value) in [("root", 2f32.sqrt()), ("one", 1.0), ("half", 0.5)] {
            chain.scalar(name, value);
        }
        chain.push("Div", "narrowed", &["up", "root"]);
        chain.push("Erf", "erf", &["narrowed"]);
        chain.push("Add", "share", &["erf", "one"]);
        chain.push("Mul", "gated", &["up", "share"]);
        chain.push("Mul", "gelu", &["gated", "half"]);
        chain.linear("down", "gelu", [2 * WIDTH, WIDTH]);
        chain.push("Add", "out", &["attended", "down"]);
        x = format!("/block{block}.out");
    }
    chain.prefix = String::new();
    chain.layer_norm("norm", &x, WIDTH);
    let mean = chain.push("ReduceMean", "mean", &["norm"]);
    set(mean, "axes", ints(&[1]));
    set(mean, "keepdims", Attribute::Int(0));
    chain.weight("head.w", &[10, WIDTH], 0.0);
    chain.weight("head.b", &[10], 0.0);
    let head = chain.push("Gemm", "logits", &["mean", "head.w", "head.b"]);
    set(head, "transB", Attribute::Int(1));
    chain.graph
}

/// A network up to the value `end`, a normalisation's, with a head of its own.
pub fn first_blocks(whole: &Graph, end: &str, classes: usize) -> Graph {
    let mut graph = extract(whole, &whole.inputs, &[ValueInfo::float(end)]).unwrap();
    let last = graph.nodes.last().unwrap();
    let channels = graph.initializers[&last.inputs[1]].dims()[0];
    weight(&mut graph, "head", &[channels, classes], 0.0);
    weight(&mut graph, "head.bias", &[classes], 0.0);
    graph.nodes.extend([
        Node::new("GlobalAveragePool", "pool", &[end], &["pooled"]),
        Node::new("Flatten", "flatten", &["pooled"], &["flat"]),
        Node::new("Gemm", "fc", &["flat", "head", "head.bias"], &["logits"]),
    ]);
    graph.outputs = vec![ValueInfo::float("logits")];
    graph
}

/// ResNet18 with weights that keep the size of what goes through.
pub fn resnet18() -> Graph {
    let mut graph = edgefit::import::Architecture::named("resnet18")
        .unwrap()
        .blank(1000);
    for (name, tensor) in &mut graph.initializers {
        if !tensor.dtype().is_float() || tensor.dims().is_empty() {
            continue;
        }
        let fan_in: usize = tensor.dims().iter().skip(1).product();
        let value = |noise: &f32| match tensor.dims().len() {
            1 if name.contains("weight") || name.contains("var") => 1.0 + 0.5 * noise,
            1 => 0.2 * noise,
            _ => noise * (24.0 / fan_in as f32).sqrt(),
        };
        let values: Vec<f32> = noise(name, tensor.elements()).iter().map(value).collect();
        *tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
    }
    graph
}
