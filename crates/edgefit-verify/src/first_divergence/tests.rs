//! Divergences that are planted, and engines that crash while they are searched for.

use edgefit_engine::{Engine, EngineName, Error, InProcess, Result};
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

use super::*;
use crate::search_crash::{Crash, Cut};

/// x → scale → (leaky) → sum over a row → y
fn graph(alpha: f32, weight: f32) -> Graph {
    let mut graph = Graph::new("g", 17);
    let dims = |last| vec![Dim::Symbol("n".into()), Dim::Known(last)];
    graph.inputs.push(ValueInfo::f32("x", dims(2)));
    graph.outputs.push(ValueInfo::f32("y", dims(1)));
    let w = Tensor::from_values(vec![2], &[weight, 2.0]);
    graph.initializers.insert("w".into(), w);
    let ones = Tensor::from_values(vec![2, 1], &[1f32, 1.0]);
    graph.initializers.insert("ones".into(), ones);
    graph.nodes = vec![
        Node::new("Mul", "scale", &["x", "w"], &["scaled"]),
        Node::new("LeakyRelu", "leaky", &["scaled"], &["act"])
            .with("alpha", Attribute::Float(alpha)),
        Node::new("MatMul", "sum", &["act", "ones"], &["y"]),
    ];
    graph
}

fn found(a: &Graph, b: &Graph) -> Option<Divergence> {
    let inputs = [Array {
        dims: vec![2, 2],
        values: vec![1.0, -3.0, -0.5, 2.0],
    }];
    let mut here = InProcess::new(EngineName::Tract, 1);
    let mut there = InProcess::new(EngineName::Tract, 1);
    let a = Side {
        graph: a,
        engine: &mut here,
    };
    let b = Side {
        graph: b,
        engine: &mut there,
    };
    first_divergence([a, b], &inputs, None, &mut Crashes::default())
}

#[test]
fn the_node_that_was_changed_is_named_with_the_change() {
    let original = graph(0.1, 1.0);
    let changed = found(&graph(0.2, 1.0), &original).unwrap();
    assert_eq!(
        (changed.node.as_str(), changed.op.as_str()),
        ("leaky", "LeakyRelu")
    );
    assert!(!changed.alone.unwrap().within);
    assert_eq!(
        changed.cause.unwrap(),
        "the models differ there: attribute 'alpha': 0.2 → 0.1"
    );
    assert_eq!(changed.inputs[0].name, "scaled");
    let reduced = changed.reduced.unwrap();
    assert_eq!(reduced.a.nodes.len(), 1);
    assert_eq!(reduced.inputs[0].0, "scaled");

    let weight = found(&graph(0.1, 1.5), &original).unwrap();
    assert_eq!(weight.node, "scale");
    assert!(
        weight
            .cause
            .unwrap()
            .contains("'w': values, by up to 5.000e-1")
    );
    assert!(found(&original, &original).is_none());
}

#[test]
fn an_error_too_small_to_be_seen_there_is_traced_to_where_it_is_made() {
    // 1e-4 of a value of 1 is within the tolerance, until everything else cancels out.
    let cancelling = |weight: f32| {
        let mut graph = graph(1.0, weight);
        let far = Tensor::from_values(vec![2, 1], &[1e4f32, 1e4]);
        graph.initializers.insert("ones".into(), far);
        graph
    };
    let inputs = [Array {
        dims: vec![1, 2],
        values: vec![1.0, -0.5],
    }];
    let (a, b) = (cancelling(1.0005), cancelling(1.0));
    let mut here = InProcess::new(EngineName::Tract, 1);
    let mut there = InProcess::new(EngineName::Tract, 1);
    let a = Side {
        graph: &a,
        engine: &mut here,
    };
    let b = Side {
        graph: &b,
        engine: &mut there,
    };
    let found = first_divergence([a, b], &inputs, None, &mut Crashes::default()).unwrap();
    assert_eq!(found.node, "scale");
    assert!(found.alone.unwrap().within);
}

/// tract, whose process dies on graphs that `dies` picks.
struct Crashing {
    engine: InProcess,
    dies: fn(&Graph) -> bool,
}

impl Engine for Crashing {
    fn name(&self) -> EngineName {
        self.engine.name()
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        if (self.dies)(graph) {
            return Err(Error::Crashed {
                engine: self.name(),
                detail: "its process crashed (signal: 11 (SIGSEGV)): last words".into(),
            });
        }
        self.engine.load(graph)
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        self.engine.run(inputs)
    }
}

fn with_crashes(dies: fn(&Graph) -> bool) -> (Option<Divergence>, Vec<Crash>) {
    let (changed, original) = (graph(0.2, 1.0), graph(0.1, 1.0));
    let inputs = [Array {
        dims: vec![2, 2],
        values: vec![1.0, -3.0, -0.5, 2.0],
    }];
    let mut here = InProcess::new(EngineName::Tract, 1);
    let mut there = Crashing {
        engine: InProcess::new(EngineName::Tract, 1),
        dies,
    };
    let a = Side {
        graph: &changed,
        engine: &mut here,
    };
    let b = Side {
        graph: &original,
        engine: &mut there,
    };
    let mut crashes = Crashes::default();
    let found = first_divergence([a, b], &inputs, None, &mut crashes);
    (found, crashes.into_vec())
}

#[test]
fn a_crash_with_all_values_shown_is_told_and_bisection_finds_the_node() {
    let (found, crashes) = with_crashes(|graph| graph.outputs.len() > 1);
    let [crash] = crashes.as_slice() else {
        panic!("{crashes:?}")
    };
    assert_eq!(
        (crash.engine, &crash.cut),
        (EngineName::Tract, &Cut::AllValues)
    );
    assert!(crash.message.contains("last words"), "{crash:?}");
    assert_eq!(found.unwrap().node, "leaky");
}

#[test]
fn a_crash_at_a_cut_is_told_with_the_cut() {
    let alone = |graph: &Graph| graph.nodes.len() == 1 && graph.nodes[0].op == "LeakyRelu";
    let (found, crashes) = with_crashes(alone);
    let nodes = vec!["leaky".to_owned()];
    assert_eq!(crashes[0].cut, Cut::Nodes { nodes });
    // Not run alone, the node is still the first that differs.
    assert_eq!(found.unwrap().node, "leaky");

    let shows = |graph: &Graph| graph.outputs.iter().any(|output| output.name == "act");
    let (_, crashes) = with_crashes(shows);
    let values = vec!["act".to_owned()];
    assert_eq!(crashes[0].cut, Cut::AllValues);
    assert_eq!(crashes[1].cut, Cut::UpTo { values });
    let json = serde_json::to_value(&crashes[1]).unwrap();
    assert_eq!(json["engine"], "tract");
    assert_eq!(
        json["cut"],
        serde_json::json!({"kind": "up_to", "values": ["act"]})
    );
}
