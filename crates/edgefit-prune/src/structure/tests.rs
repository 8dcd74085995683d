//! Which channels go together, and which stay.

use edgefit_graph::{Attribute, Node};

use super::*;
use crate::networks::{conv, graph, integers, network, node, weight};

fn groups(graph: &Graph) -> Vec<(Vec<String>, usize)> {
    let structure = Structure::of(graph).unwrap();
    let groups = structure.groups().iter();
    groups
        .map(|group| (group.nodes.clone(), group.channels))
        .collect()
}

fn reason(graph: &Graph, layer: &str) -> String {
    let structure = Structure::of(graph).unwrap();
    let mut frozen = structure.frozen().iter();
    let found = frozen.find(|frozen| frozen.nodes.iter().any(|node| node == layer));
    found.map_or_else(
        || panic!("{layer} is not frozen: {structure:?}"),
        |frozen| frozen.reason.clone(),
    )
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn channels_that_meet_go_together() {
    let found = groups(&network());
    assert_eq!(
        found,
        [
            // The residual addition.
            (names(&["stem", "project"]), 16),
            // The depthwise convolution carries, the gate multiplies.
            (names(&["expand", "depthwise", "excite"]), 32),
            (names(&["squeeze"]), 8),
            // The same of both groups, which are the halves of a product.
            (names(&["grouped"]), 16),
            (names(&["side"]), 8),
        ]
    );
    assert!(reason(&network(), "head").contains("output 'y'"));
}

#[test]
fn groups_of_a_convolution_lose_the_same() {
    let structure = Structure::of(&network()).unwrap();
    // Fewer groups than channels in each.
    let grouped = &structure.groups()[3];
    assert_eq!(grouped.nodes, ["grouped"]);
    assert_eq!(grouped.units, [2; 8]);
    assert_eq!(grouped.step(8), 4);
    let mut many = graph(&[32, 6, 6]);
    conv(&mut many, "a", ["x", "a0"], [32, 32, 1], 1);
    conv(&mut many, "b", ["a0", "b0"], [32, 4, 3], 8);
    conv(&mut many, "c", ["b0", "y"], [8, 32, 1], 1);
    let structure = Structure::of(&many).unwrap();
    // More of them: a group goes as a whole.
    assert_eq!(structure.groups()[0].nodes, ["a", "b"]);
    assert_eq!(structure.groups()[0].units, [4; 8]);
}

#[test]
fn what_cannot_be_followed_is_named() {
    let with = |op: &str| {
        let mut graph = graph(&[4, 6, 6]);
        conv(&mut graph, "a", ["x", "a0"], [16, 4, 1], 1);
        node(&mut graph, op, &["a0"], "odd");
        conv(&mut graph, "b", ["odd", "y"], [8, 16, 1], 1);
        graph
    };
    let mut softmax = with("Softmax");
    softmax.nodes[1]
        .attributes
        .insert("axis".into(), Attribute::Int(1));
    assert_eq!(
        reason(&softmax, "a"),
        "node 'odd' (Softmax) sums over its channels"
    );
    let mut depth = with("DepthToSpace");
    depth.nodes[1]
        .attributes
        .insert("blocksize".into(), Attribute::Int(1));
    assert_eq!(
        reason(&depth, "a"),
        "node 'odd' (DepthToSpace) is not followed"
    );
    let mut unknown = with("Frobnicate");
    assert_eq!(
        reason(&unknown, "a"),
        "node 'odd' (Frobnicate) is not known"
    );
    // What is added to something unknown stays, too.
    unknown.nodes[1].inputs[0] = "x".into();
    unknown.nodes.truncate(2);
    node(&mut unknown, "Add", &["a0", "odd"], "sum");
    conv(&mut unknown, "b", ["sum", "y"], [8, 16, 1], 1);
    assert_eq!(
        reason(&unknown, "a"),
        "node 'sum' (Add) reads what is not known"
    );
}

#[test]
fn a_shared_weight_couples_its_layers_and_another_reader_freezes_it() {
    let mut tied = graph(&[4]);
    weight(&mut tied, "in", &[4, 16]);
    weight(&mut tied, "w", &[16, 16]);
    weight(&mut tied, "out", &[16, 3]);
    node(&mut tied, "MatMul", &["x", "in"], "h");
    node(&mut tied, "MatMul", &["h", "w"], "i");
    node(&mut tied, "MatMul", &["i", "w"], "j");
    node(&mut tied, "MatMul", &["j", "out"], "y");
    assert_eq!(groups(&tied), [(names(&["h", "i", "j"]), 16)]);
    node(&mut tied, "ReduceSum", &["w"], "elsewhere");
    assert!(reason(&tied, "i").contains("weight 'w' is read elsewhere"));
}

#[test]
fn attention_keeps_what_it_sums_over_and_the_hidden_layer_behind_it_does_not() {
    let mut graph = graph(&[5, 8]);
    let g = &mut graph;
    for (name, dims) in [
        ("q.w", [8, 8]),
        ("k.w", [8, 8]),
        ("up.w", [5, 32]),
        ("down.w", [32, 5]),
    ] {
        weight(g, name, &dims);
    }
    weight(g, "up.b", &[32]);
    integers(g, "heads", &[0, 5, 2, 4]);
    for name in ["q", "k"] {
        node(g, "MatMul", &["x", &format!("{name}.w")], name);
        node(g, "Reshape", &[name, "heads"], &format!("{name}.apart"));
        let perm = if name == "q" {
            vec![0, 2, 1, 3]
        } else {
            vec![0, 2, 3, 1]
        };
        let (from, to) = (format!("{name}.apart"), format!("{name}.turned"));
        let turned = Node::new("Transpose", &to, &[&from], &[&to]);
        g.nodes.push(turned.with("perm", Attribute::Ints(perm)));
    }
    node(g, "MatMul", &["q.turned", "k.turned"], "scores");
    node(g, "MatMul", &["scores", "up.w"], "up");
    node(g, "Add", &["up", "up.b"], "biased");
    node(g, "Gelu", &["biased"], "hidden");
    node(g, "MatMul", &["hidden", "down.w"], "y");
    graph.opsets.insert(String::new(), 20);
    assert_eq!(groups(&graph), [(names(&["up"]), 32)]);
    assert_eq!(
        reason(&graph, "q"),
        "node 'scores' (MatMul) sums over its channels"
    );
}

#[test]
fn quantised_models_and_weights_that_are_not_finite_are_refused() {
    let mut graph = network();
    graph
        .nodes
        .push(Node::new("DequantizeLinear", "dq", &["w", "s"], &["f"]));
    let error = Structure::of(&graph).unwrap_err().to_string();
    assert!(
        error.contains("'dq'") && error.contains("float model"),
        "{error}"
    );
    let mut graph = network();
    weight(&mut graph, "squeeze.b", &[8]);
    let mut values = graph.initializers["squeeze.b"].to_f32().unwrap();
    values[3] = f32::NAN;
    let tensor = edgefit_graph::Tensor::from_values(vec![8], &values);
    graph.initializers.insert("squeeze.b".into(), tensor);
    let error = Structure::of(&graph).unwrap_err().to_string();
    assert!(error.contains("'squeeze.b' of node 'squeeze'"), "{error}");
}

#[test]
fn a_single_layer_has_nothing_to_lose() {
    let mut graph = graph(&[4, 6, 6]);
    conv(&mut graph, "only", ["x", "y"], [16, 4, 1], 1);
    let structure = Structure::of(&graph).unwrap();
    let error = structure.check_prunable().unwrap_err().to_string();
    assert!(
        error.contains("only stays because of output 'y'"),
        "{error}"
    );
}
