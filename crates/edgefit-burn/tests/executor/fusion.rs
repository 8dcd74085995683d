//! Which chains become one step.

use edgefit_burn::EvalModule;
use edgefit_burn::burn::tensor::Device;
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// A graph of the input x, some weights, and nodes whose last one makes y.
fn graph(x: &[usize], weights: &[(&str, &[usize])], nodes: Vec<Node>) -> Graph {
    let mut graph = Graph::new("chain", 20);
    let dims = x.iter().map(|&size| Dim::Known(size)).collect();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    for (name, dims) in weights {
        let values: Vec<f32> = vec![0.5; dims.iter().product()];
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert((*name).into(), tensor);
    }
    for (name, number) in [
        ("one", 1f32),
        ("half", 0.5),
        ("root", std::f32::consts::SQRT_2),
    ] {
        let tensor = Tensor::from_values(vec![], &[number]);
        graph.initializers.insert(name.into(), tensor);
    }
    graph.nodes = nodes;
    graph
}

fn node(op: &str, inputs: &[&str], to: &str) -> Node {
    Node::new(op, to, inputs, &[to])
}

/// What is computed for the input x.
fn steps(graph: &Graph) -> Vec<String> {
    let module = EvalModule::from_graph(graph, &Device::flex()).unwrap();
    let dims = graph.inputs[0].dims().unwrap().iter();
    let dims: Vec<usize> = dims
        .map(|dim| match dim {
            Dim::Known(size) => *size,
            _ => 1,
        })
        .collect();
    module.steps(&[&dims]).unwrap()
}

#[test]
fn a_convolution_takes_what_follows_it() {
    let weights: [(&str, &[usize]); 5] = [
        ("w", &[3, 2, 1, 1]),
        ("g", &[3]),
        ("b", &[3]),
        ("m", &[3]),
        ("v", &[3]),
    ];
    let nodes = vec![
        node("Conv", &["x", "w"], "c"),
        node("BatchNormalization", &["c", "g", "b", "m", "v"], "n"),
        node("HardSwish", &["n"], "y"),
    ];
    let mut whole = graph(&[1, 2, 4, 4], &weights, nodes);
    assert_eq!(steps(&whole), ["fused convolution, HardSwish"]);
    // What is read besides is made.
    whole.outputs.push(ValueInfo::f32("n", vec![]));
    assert_eq!(steps(&whole), ["fused convolution, Identity", "Unary"]);
    whole.nodes.push(node("Add", &["n", "c"], "z"));
    whole.outputs[1] = ValueInfo::f32("z", vec![]);
    assert_eq!(steps(&whole).len(), 4);
}

#[test]
fn a_linear_layer_takes_bias_and_activation() {
    let weights: [(&str, &[usize]); 2] = [("w", &[4, 5]), ("b", &[5])];
    let mut nodes = vec![
        node("MatMul", &["x", "w"], "p"),
        node("Add", &["b", "p"], "s"),
        node("Div", &["s", "root"], "d"),
        node("Erf", &["d"], "e"),
        node("Add", &["e", "one"], "f"),
        node("Mul", &["s", "f"], "g"),
        node("Mul", &["g", "half"], "y"),
    ];
    let of = |nodes: &[Node]| steps(&graph(&[2, 3, 4], &weights, nodes.to_vec()));
    assert_eq!(of(&nodes), ["fused linear layer, Gelu"]);
    // Another divisor is another function.
    nodes[2].inputs[1] = "half".into();
    assert_eq!(of(&nodes).len(), 6);
    nodes.truncate(2);
    nodes.push(node("Sigmoid", &["s"], "t"));
    nodes.push(node("Mul", &["t", "s"], "y"));
    assert_eq!(of(&nodes), ["fused linear layer, Silu"]);
}

#[test]
fn attention_takes_its_scaling_and_what_cuts_its_operands() {
    let nodes = |scores: &str| {
        vec![
            node("Split", &["x"], "").with("axis", Attribute::Int(0)),
            node("Squeeze", &["x0", "first"], "q"),
            node("Squeeze", &["x1", "first"], "k"),
            node("Squeeze", &["x2", "first"], "v"),
            node("Transpose", &["k"], "t").with("perm", Attribute::Ints(vec![0, 1, 3, 2])),
            node("Mul", &["q", "half"], "r"),
            node("MatMul", &["r", "t"], scores),
            node("Softmax", &["s"], "p"),
            node("MatMul", &["p", "v"], "y"),
        ]
    };
    let with_first = |nodes: Vec<Node>| {
        let mut graph = graph(&[3, 1, 2, 5, 4], &[("mask", &[1, 1, 5, 5])], nodes);
        let first = Tensor::from_values(vec![1], &[0i64]);
        graph.initializers.insert("first".into(), first);
        graph.nodes[0].outputs = ["x0", "x1", "x2"].map(str::to_owned).to_vec();
        graph
    };
    assert_eq!(
        steps(&with_first(nodes("s"))),
        ["fused attention, operands Packed"]
    );
    // Where one of the parts is read by something else, they are cut.
    for part in ["q", "t"] {
        let mut more = with_first(nodes("s"));
        more.outputs.push(ValueInfo::f32(part, vec![]));
        let made = steps(&more);
        assert!(
            made.contains(&"fused attention, operands Apart".to_owned()),
            "{part}: {made:?}"
        );
    }
    // A mask is not a part of it.
    let mut masked = nodes("u");
    masked.insert(7, node("Add", &["u", "mask"], "s"));
    let made = steps(&with_first(masked));
    assert!(made.contains(&"Softmax".to_owned()), "{made:?}");
}

#[test]
fn attention_takes_what_a_gather_cuts_along_the_first_dimension() {
    let of = |axis: i64| {
        let cut = |index: &str, to: &str| {
            node("Gather", &["x", index], to).with("axis", Attribute::Int(axis))
        };
        let nodes = vec![
            cut("0", "q"),
            cut("1", "k"),
            cut("2", "v"),
            node("Transpose", &["k"], "t").with("perm", Attribute::Ints(vec![0, 1, 3, 2])),
            node("MatMul", &["q", "t"], "s"),
            node("Softmax", &["s"], "p"),
            node("MatMul", &["p", "v"], "y"),
        ];
        let mut graph = graph(&[3, 3, 2, 5, 4], &[], nodes);
        for (name, index) in [("0", 0i64), ("1", 1), ("2", 2)] {
            let index = Tensor::from_values(vec![], &[index]);
            graph.initializers.insert(name.into(), index);
        }
        steps(&graph)
    };
    assert_eq!(of(0), ["fused attention, operands Packed"]);
    let made = of(1);
    assert!(
        made.contains(&"fused attention, operands Apart".to_owned()),
        "{made:?}"
    );
}
