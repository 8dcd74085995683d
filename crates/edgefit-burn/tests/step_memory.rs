//! The walk of [`StepMemory`] against what burn really allocates, counted by the allocator.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Tensor};
use edgefit_burn::{
    EvalModule, Gradients, Recomputation, StepMemory, StepPlan, TrainModule, Value, burn,
};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Attribute, Dim, Graph, Node, ValueInfo};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `block` was allocated with `layout` by the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether a parameter of a name is trained.
type Trained = fn(&str) -> bool;

const INPUT: [usize; 4] = [8, 3, 64, 64];

/// A tensor of values that are not alike.
fn weight(dims: &[usize]) -> edgefit_graph::Tensor {
    let count: usize = dims.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|at| 0.5 + (at as f32 * 0.7).sin() / 4.0)
        .collect();
    edgefit_graph::Tensor::from_values(dims.to_vec(), &values)
}

/// A stem, an inverted residual with ReLU6, a squeeze, and a classifier; normalisation throughout.
fn network() -> Graph {
    let mut graph = Graph::new("network", 17);
    graph
        .inputs
        .push(ValueInfo::f32("x", INPUT.map(Dim::Known).to_vec()));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let mut weight = |name: String, dims: &[usize]| {
        graph.initializers.insert(name, weight(dims));
    };
    let convolutions: [(&str, [usize; 4]); 6] = [
        ("stem", [16, 3, 3, 3]),
        ("expand", [64, 16, 1, 1]),
        ("depthwise", [64, 1, 3, 3]),
        ("project", [16, 64, 1, 1]),
        ("squeeze", [64, 64, 1, 1]),
        ("dense", [32, 16, 3, 3]),
    ];
    for (name, dims) in convolutions {
        weight(format!("{name}.w"), &dims);
        for parameter in ["scale", "bias", "mean", "variance"] {
            weight(format!("{name}.{parameter}"), &dims[..1]);
        }
    }
    weight("fc.w".into(), &[32, 10]);
    weight("low".into(), &[]);
    weight("high".into(), &[]);
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let mut block =
        |name: &str, from: &str, groups: i64, stride: i64, pads: [i64; 4], activation: &str| {
            let named = |value: &str| format!("{name}.{value}");
            let conv = [from.to_owned(), named("w")];
            let conv: Vec<&str> = conv.iter().map(String::as_str).collect();
            graph.nodes.push(
                Node::new("Conv", &named("conv"), &conv, &[&named("c")])
                    .with("strides", ints(&[stride, stride]))
                    .with("pads", ints(&pads))
                    .with("group", Attribute::Int(groups)),
            );
            let inputs = ["c", "scale", "bias", "mean", "variance"].map(named);
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            graph.nodes.push(Node::new(
                "BatchNormalization",
                &named("norm"),
                &inputs,
                &[&named("n")],
            ));
            let (normalized, out) = (named("n"), named("out"));
            let inputs = match activation {
                "Clip" => vec![normalized.as_str(), "low", "high"],
                _ => vec![normalized.as_str()],
            };
            graph
                .nodes
                .push(Node::new(activation, &named("act"), &inputs, &[&out]));
        };
    block("stem", "x", 1, 2, [0, 0, 1, 1], "Clip");
    block("expand", "stem.out", 1, 1, [0; 4], "HardSwish");
    block("depthwise", "expand.out", 64, 1, [1; 4], "Clip");
    block("project", "gated", 1, 1, [0; 4], "Identity");
    block("dense", "sum", 1, 1, [1; 4], "Relu");
    let at = |graph: &Graph, name: &str| {
        graph
            .nodes
            .iter()
            .position(|node| node.outputs[0] == name)
            .unwrap()
            + 1
    };
    let gate = at(&graph, "depthwise.out");
    let nodes = [
        Node::new("GlobalAveragePool", "pool", &["depthwise.out"], &["p"]),
        Node::new("Conv", "squeeze", &["p", "squeeze.w"], &["q"]),
        Node::new("Sigmoid", "gate", &["q"], &["g"]),
        Node::new("Mul", "scale", &["depthwise.out", "g"], &["gated"]),
    ];
    graph.nodes.splice(gate..gate, nodes);
    let sum = at(&graph, "project.out");
    graph.nodes.insert(
        sum,
        Node::new("Add", "add", &["project.out", "stem.out"], &["sum"]),
    );
    graph.nodes.extend([
        Node::new("ReduceMean", "mean", &["dense.out"], &["m"])
            .with("axes", ints(&[2, 3]))
            .with("keepdims", Attribute::Int(0)),
        Node::new("MatMul", "fc", &["m", "fc.w"], &["y"]),
    ]);
    graph
}

/// The network with three of its values rounded to integers of trained scales, and back.
fn quantized() -> Graph {
    let mut graph = network();
    for value in ["stem.out", "depthwise.out", "dense.out"] {
        let [scale, integers, floats] =
            ["scale", "integers", "floats"].map(|what| format!("{value}.{what}"));
        for input in graph.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            if input == value {
                input.clone_from(&floats);
            }
        }
        let step = edgefit_graph::Tensor::from_values(vec![], &[0.02]);
        graph.initializers.insert(scale.clone(), step);
        let made = graph.nodes.iter().position(|node| node.outputs[0] == value);
        let made = made.unwrap() + 1;
        let pair = [
            Node::new("QuantizeLinear", "", &[value, &scale], &[&integers]),
            Node::new("DequantizeLinear", "", &[&integers, &scale], &[&floats]),
        ];
        graph.nodes.splice(made..made, pair);
    }
    graph
}

/// A block of a transformer on 64 rows of each sample, and a classifier.
fn transformer() -> Graph {
    let mut graph = Graph::new("transformer", 20);
    graph
        .inputs
        .push(ValueInfo::f32("x", INPUT.map(Dim::Known).to_vec()));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weights: [(&str, &[usize]); 13] = [
        ("first.scale", &[192]),
        ("first.bias", &[192]),
        ("qkv", &[192, 576]),
        ("qkv.bias", &[576]),
        ("out", &[192, 192]),
        ("out.bias", &[192]),
        ("second.scale", &[192]),
        ("second.bias", &[192]),
        ("up", &[192, 384]),
        ("up.bias", &[384]),
        ("down", &[384, 192]),
        ("down.bias", &[192]),
        ("fc", &[192, 10]),
    ];
    for (name, dims) in weights {
        graph.initializers.insert(name.into(), weight(dims));
    }
    let lists: [(&str, &[i64]); 3] = [
        ("rows", &[8, 64, 192]),
        ("heads", &[8, 64, 3, 3, 64]),
        ("positions", &[1]),
    ];
    for (name, values) in lists {
        let tensor = edgefit_graph::Tensor::from_values(vec![values.len()], values);
        graph.initializers.insert(name.into(), tensor);
    }
    for (name, index) in [("0", 0i64), ("1", 1), ("2", 2)] {
        let tensor = edgefit_graph::Tensor::from_values(vec![], &[index]);
        graph.initializers.insert(name.into(), tensor);
    }
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let op = |op: &str, inputs: &[&str], to: &str| Node::new(op, to, inputs, &[to]);
    let turned = |from: &str, to: &str, order: &[i64]| {
        op("Transpose", &[from], to).with("perm", ints(order))
    };
    graph.nodes = vec![
        op("Reshape", &["x", "rows"], "a"),
        op(
            "LayerNormalization",
            &["a", "first.scale", "first.bias"],
            "b",
        ),
        op("MatMul", &["b", "qkv"], "c"),
        op("Add", &["c", "qkv.bias"], "d"),
        op("Reshape", &["d", "heads"], "e"),
        turned("e", "f", &[2, 0, 3, 1, 4]),
        op("Gather", &["f", "0"], "query"),
        op("Gather", &["f", "1"], "key"),
        op("Gather", &["f", "2"], "value"),
        turned("key", "key.t", &[0, 1, 3, 2]),
        op("MatMul", &["query", "key.t"], "scores"),
        op("Softmax", &["scores"], "shares"),
        op("MatMul", &["shares", "value"], "g"),
        turned("g", "h", &[0, 2, 1, 3]),
        op("Reshape", &["h", "rows"], "i"),
        op("MatMul", &["i", "out"], "j"),
        op("Add", &["j", "out.bias"], "k"),
        op("Add", &["a", "k"], "l"),
        op(
            "LayerNormalization",
            &["l", "second.scale", "second.bias"],
            "m",
        ),
        op("MatMul", &["m", "up"], "n"),
        op("Add", &["n", "up.bias"], "o"),
        op("Gelu", &["o"], "p"),
        op("MatMul", &["p", "down"], "q"),
        op("Add", &["q", "down.bias"], "r"),
        op("Add", &["l", "r"], "s"),
        op("ReduceMean", &["s", "positions"], "t").with("keepdims", Attribute::Int(0)),
        op("MatMul", &["t", "fc"], "y"),
    ];
    graph
}

#[test]
fn the_walk_agrees_with_the_allocator() {
    let shapes = InputShapes(vec![("x".into(), INPUT.to_vec())]);
    let device = Device::flex();
    let stages: [(&str, Graph, Trained); 5] = [
        ("full", network(), |_| true),
        ("top", network(), |name| {
            name.starts_with("dense") || name.starts_with("fc")
        }),
        ("convolutions", network(), |name| name.ends_with(".w")),
        ("int8", quantized(), |_| true),
        ("transformer", transformer(), |_| true),
    ];
    for (stage, graph, trained) in stages {
        let plan = StepPlan::new(&graph, &shapes, trained, 2).unwrap();
        let plain = Recomputation::default();
        let least = plan.least().0;
        let mut peaks = Vec::new();
        for recomputation in [plain, least] {
            let walked = plan.memory(&recomputation);
            let module = EvalModule::from_graph(&graph, &device).unwrap();
            let module = module.into_train(trained).recomputing(recomputation);
            agree(stage, module, walked);
            peaks.push(walked.peak);
        }
        if stage == "convolutions" {
            // Of what was walked: the leanest of a few steps depends on how workers overlap.
            assert!(4 * peaks[1] < 3 * peaks[0], "{peaks:?}");
        }
    }
}

/// What `gemm` packs of an operand while it multiplies, which the walk does not count: up to 512 rows of it.
fn packed(stage: &str) -> u64 {
    match stage {
        "transformer" => 512 * 384 * 4,
        _ => 0,
    }
}

/// Compares what was `walked` with steps of `module`.
fn agree(stage: &str, mut module: TrainModule, walked: StepMemory) {
    let device = Device::flex();
    // The first step compiles the program, and each worker fills the caches of the matrix products
    // when it gets its first share of one: what is left in the leanest step belongs to the step.
    let (mut least_saved, mut least_peak) = (usize::MAX, usize::MAX);
    for _ in 0..8 {
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let values = vec![0.5; INPUT.iter().product()];
        let input = Value::new(values, &INPUT, &device).unwrap();
        let output = module.forward(vec![input]).unwrap().remove(0);
        least_saved = least_saved.min(LIVE.load(Ordering::Relaxed) - before);
        let logits: Tensor<2> = output.try_into().unwrap();
        drop(Gradients::of(&logits.sum(), &mut module).unwrap());
        least_peak = least_peak.min(PEAK.load(Ordering::Relaxed) - before);
    }
    let ratio = |walked: u64, counted: usize| walked as f64 / counted as f64;
    let saved = ratio(walked.saved, least_saved);
    let peak = ratio(walked.peak + packed(stage), least_peak);
    assert!((saved - 1.0).abs() < 0.03, "{stage}: saved {saved}");
    assert!((peak - 1.0).abs() < 0.10, "{stage}: peak {peak}");
}
