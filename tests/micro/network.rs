//! A small network with many ops, quantised by the binary.

use std::path::PathBuf;

use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::common::npz::{Values, save};
use crate::common::{command, onnxruntime, run};

/// A network in int8 in a folder of its own, and samples for it.
pub struct Files {
    pub folder: TempDir,
    pub float: PathBuf,
    pub model: PathBuf,
    pub inputs: PathBuf,
}

impl Files {
    /// `graph`, which takes images of `dims`, quantised in `scheme`.
    pub fn of(graph: &Graph, dims: [usize; 3], scheme: &str) -> Self {
        onnxruntime();
        let folder = tempfile::tempdir().unwrap();
        let [float, model, inputs] =
            ["float.onnx", "int8.onnx", "inputs.npz"].map(|name| folder.path().join(name));
        graph.save(&float).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let shape = [&[60], dims.as_slice()].concat();
        let values = (0..shape.iter().product()).map(|_| random.random_range(-1.0..1.0));
        save(&inputs, &[("x", &shape, Values::Floats(values.collect()))]);
        let mut quantize = command();
        quantize
            .arg("quantize")
            .arg(&float)
            .arg("--inputs")
            .arg(&inputs);
        quantize.args([
            "--scheme",
            scheme,
            "--calibration",
            "30",
            "--all-int8",
            "-o",
        ]);
        let ran = run(quantize.arg(&model));
        assert!(ran.code < 2, "{ran:?}");
        Files {
            folder,
            float,
            model,
            inputs,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// x (n, 4, 9, 7) → a convolution with a stride and uneven padding, a gated branch, two pools side by side, an
/// upsampling, a dilated convolution, a mean → four shares y.
pub fn network() -> Graph {
    let mut graph = Graph::new("many ops", 17);
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().copied().map(Dim::Known);
        std::iter::once(Dim::Symbol("n".into()))
            .chain(known)
            .collect()
    };
    graph.inputs.push(ValueInfo::f32("x", sizes(&[4, 9, 7])));
    graph.outputs.push(ValueInfo::f32("y", sizes(&[4])));
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut constant = |name: &str, dims: &[usize], size: f32| {
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| random.random_range(-size..size))
            .collect();
        graph
            .initializers
            .insert(name.into(), Tensor::from_values(dims.to_vec(), &values));
    };
    constant("stem.w", &[8, 4, 3, 3], 0.4);
    constant("stem.b", &[8], 0.2);
    constant("deep.w", &[8, 1, 3, 3], 0.6);
    constant("gate.w", &[8, 8, 1, 1], 0.8);
    constant("wide.w", &[6, 16, 2, 2], 0.3);
    constant("fc.w", &[6, 4], 2.0);
    constant("fc.b", &[4], 0.5);
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.0, 2.0]);
    graph.initializers.insert("scales".into(), scales);
    let pool = |op: &str, to: &str| {
        let node = Node::new(op, to, &["s"], &[to]).with("kernel_shape", ints(&[2, 2]));
        node.with("strides", ints(&[2, 2]))
    };
    graph.nodes = vec![
        Node::new("Conv", "stem", &["x", "stem.w", "stem.b"], &["c"])
            .with("strides", ints(&[2, 1]))
            .with("pads", ints(&[0, 1, 2, 1])),
        Node::new("Relu", "relu", &["c"], &["r"]),
        Node::new("Conv", "deep", &["r", "deep.w"], &["d"])
            .with("group", Attribute::Int(8))
            .with("pads", ints(&[1, 1, 1, 1])),
        Node::new("GlobalAveragePool", "squeeze", &["d"], &["p"]),
        Node::new("Conv", "gate", &["p", "gate.w"], &["g"]),
        Node::new("Sigmoid", "sigmoid", &["g"], &["q"]),
        Node::new("Mul", "excite", &["d", "q"], &["e"]),
        Node::new("Add", "skip", &["e", "r"], &["s"]),
        pool("MaxPool", "m"),
        pool("AveragePool", "a"),
        Node::new("Concat", "both", &["m", "a"], &["b"]).with("axis", Attribute::Int(1)),
        Node::new("Resize", "up", &["b", "", "scales"], &["u"])
            .with("coordinate_transformation_mode", "asymmetric".into())
            .with("nearest_mode", "floor".into()),
        Node::new("Conv", "wide", &["u", "wide.w"], &["w"]).with("dilations", ints(&[2, 2])),
        Node::new("GlobalAveragePool", "mean", &["w"], &["v"]),
        Node::new("Flatten", "flat", &["v"], &["f"]),
        Node::new("Gemm", "fc", &["f", "fc.w", "fc.b"], &["l"]),
        Node::new("Softmax", "shares", &["l"], &["y"]),
    ];
    graph.check().unwrap();
    graph
}

/// x (n, 3, 48, 48) → convolutions whose images are large in front and small behind → three logits y.
pub fn large_images() -> Graph {
    let mut graph = Graph::new("large images", 17);
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().copied().map(Dim::Known);
        std::iter::once(Dim::Symbol("n".into()))
            .chain(known)
            .collect()
    };
    graph.inputs.push(ValueInfo::f32("x", sizes(&[3, 48, 48])));
    graph.outputs.push(ValueInfo::f32("y", sizes(&[3])));
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut from = "x".to_owned();
    let layers: [(&str, [usize; 4], i64); 6] = [
        ("stem", [8, 3, 3, 3], 2),
        ("deep", [8, 1, 3, 3], 1),
        ("wide", [24, 8, 1, 1], 1),
        ("down", [24, 1, 3, 3], 2),
        ("narrow", [8, 24, 1, 1], 1),
        ("last", [8, 8, 3, 3], 2),
    ];
    for (name, dims, stride) in layers {
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| random.random_range(-0.5..0.5)).collect();
        let weight = format!("{name}.w");
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(weight.clone(), tensor);
        let groups = if dims[1] == 1 { dims[0] as i64 } else { 1 };
        // Uneven, as TensorFlow pads.
        let pad = (dims[2] as i64 - 1) / 2;
        let before = if stride == 2 { 0 } else { pad };
        let sum = format!("{name}.c");
        graph.nodes.push(
            Node::new("Conv", name, &[&from, &weight], &[&sum])
                .with("strides", ints(&[stride, stride]))
                .with("pads", ints(&[before, before, pad, pad]))
                .with("group", Attribute::Int(groups)),
        );
        let relu = format!("{name}.relu");
        from = format!("{name}.r");
        graph
            .nodes
            .push(Node::new("Relu", &relu, &[&sum], &[&from]));
    }
    let head: Vec<f32> = (0..24).map(|_| random.random_range(-1.0..1.0)).collect();
    let head = Tensor::from_values(vec![8, 3], &head);
    graph.initializers.insert("fc.w".into(), head);
    graph.nodes.extend([
        Node::new("GlobalAveragePool", "mean", &[&from], &["v"]),
        Node::new("Flatten", "flat", &["v"], &["f"]),
        Node::new("Gemm", "fc", &["f", "fc.w"], &["y"]),
    ]);
    graph.check().unwrap();
    graph
}
