//! The gradient of a scale through a rounding is the one of LSQ (Esser et al. 2020, arXiv 1902.08153, eq. 3).

use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, Gradients, Value};
use edgefit_graph::{DataType, Dim, Graph, Node, ValueInfo};

const LIMIT: f32 = 63.0;
const SCALE: f32 = 0.1;

/// y = x · w, with w rounded to steps of `SCALE · exp(factor)`, at most `LIMIT` of them.
fn rounded(weight: &[f32]) -> Graph {
    let mut graph = Graph::new("rounded", 17);
    let count = weight.len();
    let x = ValueInfo::f32("x", vec![Dim::Known(1), Dim::Known(count)]);
    graph.inputs.push(x);
    graph.outputs.push(ValueInfo::float("y"));
    let mut floats = |name: &str, dims: Vec<usize>, values: &[f32]| {
        let tensor = edgefit_graph::Tensor::from_values(dims, values);
        graph.initializers.insert(name.into(), tensor);
    };
    floats("w", vec![count, 1], weight);
    floats("factor", vec![1], &[0.0]);
    floats("start", vec![1], &[SCALE]);
    floats("one", vec![], &[1.0]);
    floats("least", vec![], &[-LIMIT]);
    floats("most", vec![], &[LIMIT]);
    let zero = edgefit_graph::Tensor::from_i64(DataType::I8, vec![], &[0]).unwrap();
    graph.initializers.insert("zero".into(), zero);
    graph.nodes = vec![
        Node::new("Exp", "", &["factor"], &["e"]),
        Node::new("Mul", "", &["e", "start"], &["s"]),
        Node::new("Div", "", &["w", "s"], &["d"]),
        Node::new("Clip", "", &["d", "least", "most"], &["c"]),
        Node::new("QuantizeLinear", "", &["c", "one", "zero"], &["q"]),
        Node::new("DequantizeLinear", "", &["q", "one", "zero"], &["r"]),
        Node::new("Mul", "", &["r", "s"], &["v"]),
        Node::new("MatMul", "", &["x", "v"], &["y"]),
    ];
    graph.check().unwrap();
    graph
}

#[test]
fn a_scale_has_the_gradient_of_lsq_and_a_clipped_weight_none() {
    // Two within the limits, one beyond each.
    let (weight, x) = ([0.23f32, -1.08, 9.0, -7.5], [1.0f32, 2.0, -3.0, 0.5]);
    let device = Device::flex();
    let module = EvalModule::from_graph(&rounded(&weight), &device).unwrap();
    let mut module = module.into_train(|name| ["w", "factor"].contains(&name));
    let inputs = vec![Value::new(x.to_vec(), &[1, 4], &device).unwrap()];
    let y: Tensor<2> = module
        .forward(inputs)
        .unwrap()
        .remove(0)
        .try_into()
        .unwrap();
    let gradients = Gradients::of(&y.sum(), &module);
    let gradient = |wanted: &str| {
        let found = module.parameters().find(|(name, _)| *name == wanted);
        let (_, parameter) = found.unwrap();
        let gradient = parameter.gradient(gradients.params()).unwrap();
        gradient.to_vec().unwrap()
    };
    assert_eq!(gradient("w"), [1.0, 2.0, 0.0, 0.0]);
    let of_scale = |w: f32| {
        let scaled = w / SCALE;
        if scaled.abs() < LIMIT {
            scaled.round() - scaled
        } else {
            LIMIT.copysign(scaled)
        }
    };
    let expected: f32 = weight.iter().zip(x).map(|(w, x)| x * of_scale(*w)).sum();
    // Of the logarithm: times the scale.
    let made = gradient("factor")[0];
    assert!((made - SCALE * expected).abs() < 1e-4, "{made} {expected}");
}
