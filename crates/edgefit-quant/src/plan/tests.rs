//! Tests of [`Plan`].

use super::*;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::{Attribute, Dim, Tensor, ValueInfo};

use crate::prepare::prepared;

/// `nodes` between the input `x` of 1 × 4 × 4 and the output `y`, prepared, and the plan for them.
fn planned(scheme: &str, nodes: Vec<Node>, constants: &[(&str, &[usize])]) -> (Graph, Plan) {
    let mut graph = Graph::new("g", 17);
    let dims = [1, 4, 4].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::float("y"));
    for (name, dims) in constants {
        let values = vec![0.5f32; dims.iter().product()];
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert((*name).into(), tensor);
    }
    graph.nodes = nodes;
    let scheme = Scheme::named(scheme).unwrap();
    let graph = prepared(&graph, &scheme).unwrap().graph;
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    let inference = infer(&graph, &shapes).unwrap();
    let plan = Plan::of(&graph, &inference, &scheme, &HashSet::new());
    (graph, plan)
}

#[test]
fn a_sum_between_floats_is_no_group() {
    // As an epsilon under a fraction: on integers it would be 0.
    let (_, plan) = planned(
        "onnxruntime-x86",
        vec![
            Node::new("MatMul", "matmul", &["x", "w"], &["m"]),
            Node::new("Relu", "relu", &["m"], &["r"]),
            Node::new("Exp", "exp", &["r"], &["e"]),
            Node::new("Add", "add", &["e", "epsilon"], &["s"]),
            Node::new("Log", "log", &["s"], &["y"]),
        ],
        &[("w", &[4, 4]), ("epsilon", &[])],
    );
    assert_eq!(plan.groups.len(), 1);
    assert_eq!(plan.islands, BTreeSet::from([3]));
    assert!(plan.groups[0].float_output);
    assert_eq!(plan.values().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn the_parts_of_a_split_have_the_parameters_of_the_whole() {
    let split = Node::new("Split", "split", &["m"], &["a", "b"]);
    let (graph, plan) = planned(
        "onnxruntime-x86",
        vec![
            Node::new("MatMul", "first", &["x", "w"], &["m"]),
            split.with("axis", Attribute::Int(1)),
            Node::new("MatMul", "second", &["b", "w"], &["y"]),
        ],
        &[("w", &[4, 4])],
    );
    let outputs: Vec<&str> = plan.groups[1].outputs(&graph).collect();
    assert_eq!(outputs, ["a", "b"]);
    let whole = BTreeSet::from(["a", "b", "m"].map(str::to_owned));
    assert!(plan.value_sets.contains(&whole), "{:?}", plan.value_sets);
}

#[test]
fn an_engine_that_never_gives_floats_moves_integers_at_both_ends() {
    let moved = |name, input, output| {
        let perm = Attribute::Ints(vec![0, 2, 1]);
        Node::new("Transpose", name, &[input], &[output]).with("perm", perm)
    };
    let nodes = vec![
        moved("first", "x", "t"),
        Node::new("MatMul", "matmul", &["t", "w"], &["m"]),
        moved("last", "m", "y"),
    ];
    for (scheme, groups) in [("tflite", 3), ("esp-dl", 3), ("onnxruntime-x86", 1)] {
        let (_, plan) = planned(scheme, nodes.clone(), &[("w", &[4, 4])]);
        assert_eq!(plan.groups.len(), groups, "{scheme}: {plan:?}");
    }
    // Between the input and floats it would only round.
    let nodes = vec![
        moved("first", "x", "t"),
        Node::new("Exp", "exp", &["t"], &["e"]),
        Node::new("MatMul", "matmul", &["e", "w"], &["y"]),
    ];
    let (_, plan) = planned("tflite", nodes, &[("w", &[4, 4])]);
    assert_eq!(plan.islands, BTreeSet::from([0]));
}

#[test]
fn a_layer_norm_over_the_last_of_three_dimensions_stays_in_floats() {
    let mean = |name, input, output| {
        let axes = Attribute::Ints(vec![-1]);
        Node::new("ReduceMean", name, &[input], &[output]).with("axes", axes)
    };
    let (graph, plan) = planned(
        "onnxruntime-x86",
        vec![
            mean("mean", "x", "m"),
            Node::new("Sub", "centre", &["x", "m"], &["c"]),
            Node::new("Pow", "square", &["c", "two"], &["s"]),
            mean("variance", "s", "v"),
            Node::new("Add", "add", &["v", "epsilon"], &["a"]),
            Node::new("Sqrt", "root", &["a"], &["r"]),
            Node::new("Div", "divide", &["c", "r"], &["y"]),
        ],
        &[("two", &[]), ("epsilon", &[])],
    );
    assert_eq!(plan.written_out.len(), graph.nodes.len());
    assert!(plan.groups.is_empty(), "{plan:?}");
}
