//! A step gives the same bits on any number of threads.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, Floats, Gradients, Value, burn};
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor as Stored, ValueInfo};

const INPUT: [usize; 4] = [2, 3, 24, 24];

fn wave(count: usize, phase: f32) -> Vec<f32> {
    (0..count)
        .map(|at| (at as f32 * 0.77 + phase).sin() / 4.0)
        .collect()
}

/// Each kind of kernel once: convolutions of all kinds, a gate, a linear layer, normalisation of rows and attention.
fn network() -> Graph {
    let mut graph = Graph::new("network", 20);
    let dims = INPUT.map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weights: [(&str, &[usize]); 12] = [
        ("stem", &[16, 3, 3, 3]),
        ("square", &[16, 16, 3, 3]),
        ("expand", &[32, 16, 1, 1]),
        ("expand.b", &[32]),
        ("depth", &[32, 1, 3, 3]),
        ("squeeze", &[32, 32, 1, 1]),
        ("scale", &[32]),
        ("shift", &[32]),
        ("qkv", &[32, 96]),
        ("qkv.b", &[96]),
        ("out", &[32, 24]),
        ("out.b", &[24]),
    ];
    for (index, (name, dims)) in weights.into_iter().enumerate() {
        let values = wave(dims.iter().product(), index as f32);
        let tensor = Stored::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    }
    let lists: [(&str, &[i64]); 3] = [
        ("rows", &[2, 32, 144]),
        ("heads", &[2, 144, 3, 2, 16]),
        ("joined", &[2, 144, 32]),
    ];
    for (name, values) in lists {
        let tensor = Stored::from_values(vec![values.len()], values);
        graph.initializers.insert(name.into(), tensor);
    }
    for (name, value) in [("0", 0i64), ("1", 1), ("2", 2)] {
        let tensor = Stored::from_values(vec![], &[value]);
        graph.initializers.insert(name.into(), tensor);
    }
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let conv = |name: &str, from: &str, weight: &[&str]| {
        let inputs: Vec<&str> = [&[from][..], weight].concat();
        Node::new("Conv", name, &inputs, &[name])
    };
    let op = |op: &str, inputs: &[&str], to: &str| Node::new(op, to, inputs, &[to]);
    let turned = |from: &str, to: &str, order: &[i64]| {
        op("Transpose", &[from], to).with("perm", ints(order))
    };
    graph.nodes = vec![
        conv("a", "x", &["stem"])
            .with("strides", ints(&[2, 2]))
            .with("pads", ints(&[1, 1, 1, 1])),
        op("HardSwish", &["a"], "b"),
        conv("c", "b", &["square"]).with("pads", ints(&[1, 1, 1, 1])),
        op("Relu", &["c"], "d"),
        conv("e", "d", &["expand", "expand.b"]),
        op("Gelu", &["e"], "f"),
        conv("g", "f", &["depth"])
            .with("pads", ints(&[1, 1, 1, 1]))
            .with("group", Attribute::Int(32)),
        op("HardSwish", &["g"], "h"),
        op("GlobalAveragePool", &["h"], "i"),
        conv("j", "i", &["squeeze"]),
        op("HardSigmoid", &["j"], "k"),
        op("Mul", &["h", "k"], "l"),
        op("Reshape", &["l", "rows"], "m"),
        turned("m", "n", &[0, 2, 1]),
        op("LayerNormalization", &["n", "scale", "shift"], "o"),
        op("MatMul", &["o", "qkv"], "p"),
        op("Add", &["p", "qkv.b"], "q"),
        op("Reshape", &["q", "heads"], "r"),
        turned("r", "s", &[2, 0, 3, 1, 4]),
        op("Gather", &["s", "0"], "query"),
        op("Gather", &["s", "1"], "key"),
        op("Gather", &["s", "2"], "value"),
        turned("key", "key.t", &[0, 1, 3, 2]),
        op("MatMul", &["query", "key.t"], "scores"),
        op("Softmax", &["scores"], "shares"),
        op("MatMul", &["shares", "value"], "t"),
        turned("t", "u", &[0, 2, 1, 3]),
        op("Reshape", &["u", "joined"], "v"),
        op("MatMul", &["v", "out"], "w"),
        op("Add", &["out.b", "w"], "z"),
        op("Gelu", &["z"], "y"),
    ];
    graph
}

/// The result and the gradients of all weights.
fn step(graph: &Graph) -> Vec<Vec<f32>> {
    let device = Device::flex();
    let module = EvalModule::from_graph(graph, &device).unwrap();
    let mut module = module.into_train(|_| true);
    let images = Value::new(wave(INPUT.iter().product(), 0.5), &INPUT, &device).unwrap();
    let y = module.forward(vec![images]).unwrap().remove(0);
    let mut all = vec![y.to_vec().unwrap()];
    let y: Tensor<3> = y.try_into().unwrap();
    let readers = Floats::new(wave(2 * 144 * 24, 0.1), &[2, 144, 24], &device).unwrap();
    let readers: Tensor<3> = readers.try_into().unwrap();
    let gradients = Gradients::of(&(y * readers.autodiff()).sum(), &mut module);
    let gradients = gradients.unwrap().into_params();
    for (_, parameter) in module.parameters() {
        let gradient = parameter.gradient(&gradients).unwrap();
        all.push(gradient.to_vec().unwrap());
    }
    all
}

#[test]
fn a_step_is_the_same_on_any_number_of_threads() {
    let graph = network();
    let mut steps = (1..=3).map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| step(&graph))
    });
    let one = steps.next().unwrap();
    assert!(one.len() > 12 && one.iter().flatten().any(|value| *value != 0.0));
    for more in steps {
        assert!(one == more);
    }
}
