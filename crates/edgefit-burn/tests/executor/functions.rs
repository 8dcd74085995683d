//! Functions of 32-bit floats against those of 64 bits.

use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Value};
use edgefit_graph::{Dim, Graph, Node, ValueInfo};
use statrs::distribution::{ContinuousCDF, Normal};

/// Of op(x) for each x.
fn computed(nodes: Vec<Node>, x: &[f32]) -> Vec<f32> {
    let mut graph = Graph::new("function", 20);
    let dims = vec![Dim::Known(x.len())];
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    graph.nodes = nodes;
    let device = Device::flex();
    let module = EvalModule::from_graph(&graph, &device).unwrap();
    let steps = module.steps(&[&[x.len()]]).unwrap();
    assert_eq!(steps.len(), 1, "{steps:?}");
    let x = Value::new(x.to_vec(), &[x.len()], &device).unwrap();
    module.forward(vec![x]).unwrap()[0].to_vec().unwrap()
}

fn steps_from_to_80() -> Vec<f32> {
    let steps = -800..=800i16;
    steps.map(|step| f32::from(step) / 10.0).collect()
}

#[test]
fn silu_is_near_that_of_64_bits() {
    let x = steps_from_to_80();
    let nodes = vec![
        Node::new("Sigmoid", "s", &["x"], &["s"]),
        Node::new("Mul", "y", &["x", "s"], &["y"]),
    ];
    for (x, made) in x.iter().zip(computed(nodes.clone(), &x)) {
        let (x, made) = (f64::from(*x), f64::from(made));
        let wanted = x / (1.0 + (-x).exp());
        let error = (made - wanted).abs();
        assert!(error <= 5e-7 * wanted.abs(), "{x}: {made} {wanted}");
    }
    let edges = computed(nodes, &[f32::NAN, f32::NEG_INFINITY, 100.0]);
    assert!(edges[0].is_nan());
    assert_eq!(edges[2], 100.0);
}

#[test]
fn gelu_is_near_that_of_64_bits() {
    let x = steps_from_to_80()
        .iter()
        .map(|x| x / 8.0)
        .collect::<Vec<_>>();
    let normal = Normal::standard();
    let gelu = || vec![Node::new("Gelu", "y", &["x"], &["y"])];
    for (x, made) in x.iter().zip(computed(gelu(), &x)) {
        let (x, made) = (f64::from(*x), f64::from(made));
        let wanted = x * normal.cdf(x);
        let error = (made - wanted).abs();
        assert!(error <= 3e-7 * x.abs(), "{x}: {made} {wanted}");
    }
    assert!(computed(gelu(), &[f32::NAN])[0].is_nan());
}
