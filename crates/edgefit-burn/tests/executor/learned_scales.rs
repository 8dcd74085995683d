//! The gradient of a scale through a rounding is the one of LSQ (Esser et al. 2020, arXiv 1902.08153, eq. 3).

#[cfg(feature = "ndarray")]
use edgefit_burn::Backend;
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, Gradients, Value};
use edgefit_graph::{Attribute, DataType, Dim, Graph, Node, ValueInfo};

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
    let gradients = Gradients::of(&y.sum(), &mut module).unwrap();
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

const X: [usize; 4] = [2, 3, 5, 7];

/// A convolution of x, rounded with a zero point, by a weight with a scale for each output channel; where they are
/// asked for, the integers are outputs too, so that nothing is fused. A fixed scale leaves nothing of x out.
fn convolution(fixed: bool, integers: bool) -> Graph {
    let mut graph = Graph::new("rounded", 17);
    let dims = X.into_iter().map(Dim::Known).collect();
    graph.inputs.push(ValueInfo::f32("x", dims));
    let mut names = vec!["y"];
    if integers {
        names.extend(["xq", "wq"]);
    }
    graph.outputs = names.into_iter().map(ValueInfo::float).collect();
    let mut floats = |name: &str, dims: Vec<usize>, values: Vec<f32>| {
        let tensor = edgefit_graph::Tensor::from_values(dims, &values);
        graph.initializers.insert(name.into(), tensor);
    };
    let wave = |count: usize, size: f32| -> Vec<f32> {
        (0..count)
            .map(|at| size * (at as f32 * 1.3).sin())
            .collect()
    };
    floats("a", X.to_vec(), wave(210, 1.5));
    floats("w", vec![4, 3, 3, 2], wave(72, 0.9));
    floats("sx", vec![1], vec![0.05]);
    floats("fx", vec![1], vec![0.0]);
    floats("fw", vec![4, 1, 1, 1], vec![0.0; 4]);
    floats("sw", vec![4, 1, 1, 1], vec![0.1, 0.02, 0.3, 0.007]);
    floats("one", vec![], vec![1.0]);
    floats("least", vec![], vec![-LIMIT]);
    floats("most", vec![], vec![LIMIT]);
    floats("lowest", vec![], vec![-28.0]);
    floats("highest", vec![], vec![227.0]);
    for (name, value) in [("zero", 0), ("zx", if fixed { 0 } else { -100 })] {
        let tensor = edgefit_graph::Tensor::from_i64(DataType::I8, vec![], &[value]).unwrap();
        graph.initializers.insert(name.into(), tensor);
    }
    graph.nodes = vec![
        Node::new("Add", "", &["x", "a"], &["i"]),
        Node::new("Exp", "", &["fx"], &["ex"]),
        Node::new("Mul", "", &["ex", "sx"], &["lx"]),
        Node::new("Exp", "", &["fw"], &["ew"]),
        Node::new("Mul", "", &["ew", "sw"], &["lw"]),
    ];
    graph.nodes.extend(if fixed {
        vec![
            Node::new("QuantizeLinear", "", &["i", "sx", "zx"], &["xq"])
                .with("axis", Attribute::Int(0)),
            Node::new("DequantizeLinear", "", &["xq", "sx", "zx"], &["xd"])
                .with("axis", Attribute::Int(0)),
        ]
    } else {
        vec![
            Node::new("Div", "", &["i", "lx"], &["d"]),
            Node::new("Clip", "", &["d", "lowest", "highest"], &["dc"]),
            Node::new("QuantizeLinear", "", &["dc", "one", "zx"], &["xq"]),
            Node::new("DequantizeLinear", "", &["xq", "one", "zx"], &["xs"]),
            Node::new("Mul", "", &["xs", "lx"], &["xd"]),
        ]
    });
    graph.nodes.extend([
        Node::new("Div", "", &["w", "lw"], &["v"]),
        Node::new("Clip", "", &["v", "least", "most"], &["c"]),
        Node::new("QuantizeLinear", "", &["c", "one", "zero"], &["wq"]),
        Node::new("DequantizeLinear", "", &["wq", "one", "zero"], &["ws"]),
        Node::new("Mul", "", &["ws", "lw"], &["wd"]),
        Node::new("Conv", "", &["xd", "wd"], &["y"]),
    ]);
    graph.check().unwrap();
    graph
}

/// The first output, and the gradients of what is trained.
fn trained(graph: &Graph, names: &[&str], device: &Device) -> Vec<Vec<f32>> {
    let module = EvalModule::from_graph(graph, device).unwrap();
    let mut module = module.into_train(|name| names.contains(&name));
    let x: Vec<f32> = (0..210).map(|at| (at as f32 * 0.37).cos() * 4.0).collect();
    let inputs = vec![Value::new(x, &X, device).unwrap()];
    let outputs = module.forward(inputs).unwrap();
    let y: Tensor<4> = outputs.into_iter().next().unwrap().try_into().unwrap();
    let gradients = Gradients::of(&(y.clone() * y.clone()).sum(), &mut module).unwrap();
    let gradient = |wanted: &&str| {
        let (_, parameter) = module
            .parameters()
            .find(|(name, _)| name == wanted)
            .unwrap();
        let gradient = parameter.gradient(gradients.params()).unwrap();
        gradient.to_vec().unwrap()
    };
    let mut made = vec![y.into_data().try_to_vec().unwrap()];
    made.extend(names.iter().map(gradient));
    made
}

/// Chains of rounding in `graph` that became one step.
fn fused(graph: &Graph) -> usize {
    let module = EvalModule::from_graph(graph, &Device::flex()).unwrap();
    let steps = module.steps(&[&X]).unwrap().into_iter();
    steps
        .filter(|step| step.starts_with("fused rounding"))
        .count()
}

fn assert_near(these: &[Vec<f32>], others: &[Vec<f32>]) {
    assert_eq!(these.len(), others.len());
    for (index, (these, others)) in these.iter().zip(others).enumerate() {
        assert_eq!(these.len(), others.len());
        let most = others
            .iter()
            .fold(0f32, |most, value| most.max(value.abs()));
        for (this, other) in these.iter().zip(others) {
            assert!(
                (this - other).abs() <= 1e-5 * most,
                "{index}: {this} {other}"
            );
        }
    }
}

#[test]
fn one_kernel_computes_what_the_nodes_do() {
    let learned = &["a", "w", "fx", "fw"][..];
    for (fixed, names) in [(false, learned), (true, &["a", "w", "fw"])] {
        let [together, apart] = [false, true].map(|integers| convolution(fixed, integers));
        assert_eq!((fused(&together), fused(&apart)), (2, 0), "{fixed}");
        let [together, apart] =
            [together, apart].map(|graph| trained(&graph, names, &Device::flex()));
        assert_near(&together, &apart);
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn another_backend_gives_the_same() {
    let devices = [Backend::Flex, Backend::Ndarray].map(|backend| backend.device().unwrap());
    let names = ["a", "w", "fx", "fw"];
    let [flex, ndarray] =
        devices.map(|device| trained(&convolution(false, false), &names, &device));
    assert_near(&flex, &ndarray);
}
