//! Small networks with the ops of the usual libraries, in the forms that their exporters write.

use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

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
