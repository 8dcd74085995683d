//! Eval and train mode of a small network: gradients, statistics, and weights back into the graph.

#[cfg(feature = "ndarray")]
use edgefit_burn::Backend;
use edgefit_burn::burn::optim::{GradientsParams, SgdConfig};
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, TrainModule, Value};
use edgefit_graph::{Attribute, Dim, Graph, Node, ValueInfo};

const INPUT: [usize; 4] = [2, 2, 5, 7];

/// Values that are neither round nor alike, in −1 … 1.
fn wave(count: usize, phase: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.7 + phase).sin()).collect()
}

/// Convolution (stride 2, asymmetric pads, two groups), normalisation, ReLU6, depthwise, pooling
/// and a classifier, with odd sizes throughout.
fn network() -> Graph {
    let mut graph = Graph::new("network", 17);
    let dims = INPUT.map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let mut weight = |name: &str, dims: &[usize], phase: f32, offset: f32| {
        let count = dims.iter().product();
        let values: Vec<f32> = wave(count, phase)
            .iter()
            .map(|v| v * 0.6 + offset)
            .collect();
        let tensor = edgefit_graph::Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    };
    weight("conv.w", &[4, 1, 3, 3], 0.1, 0.0);
    weight("conv.b", &[4], 0.3, 0.0);
    weight("bn.scale", &[4], 0.5, 1.0);
    weight("bn.bias", &[4], 0.7, 0.5);
    weight("bn.mean", &[4], 0.9, 0.0);
    weight("bn.var", &[4], 1.1, 1.0);
    weight("dw.w", &[4, 1, 2, 2], 1.3, 0.0);
    weight("fc.w", &[3, 4], 1.5, 0.0);
    weight("fc.b", &[3], 1.7, 0.0);
    weight("lo", &[], 0.0, 0.0);
    weight("hi", &[], 0.0, 6.0);
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    graph.nodes = vec![
        Node::new("Conv", "conv", &["x", "conv.w", "conv.b"], &["c"])
            .with("strides", ints(&[2, 2]))
            .with("pads", ints(&[0, 1, 1, 2]))
            .with("group", Attribute::Int(2)),
        Node::new(
            "BatchNormalization",
            "bn",
            &["c", "bn.scale", "bn.bias", "bn.mean", "bn.var"],
            &["n"],
        ),
        Node::new("Clip", "relu6", &["n", "lo", "hi"], &["r"]),
        Node::new("Conv", "dw", &["r", "dw.w"], &["d"]).with("group", Attribute::Int(4)),
        Node::new("Add", "skip", &["d", "d"], &["s"]),
        Node::new("GlobalAveragePool", "pool", &["s"], &["p"]),
        Node::new("Flatten", "flatten", &["p"], &["f"]),
        Node::new("Dropout", "dropout", &["f"], &["k"]),
        Node::new("Gemm", "fc", &["k", "fc.w", "fc.b"], &["y"]).with("transB", Attribute::Int(1)),
    ];
    graph
}

fn without_dropout() -> Graph {
    let mut graph = network();
    graph.nodes.retain(|node| node.op != "Dropout");
    graph.nodes.last_mut().unwrap().inputs[0] = "f".into();
    graph
}

fn input(device: &Device) -> Value {
    Value::new(wave(INPUT.iter().product(), 0.0), &INPUT, device).unwrap()
}

fn logits(outputs: Vec<Value>) -> Tensor<2> {
    outputs.into_iter().next().unwrap().try_into().unwrap()
}

/// A loss that reads every logit differently.
fn loss(module: &mut TrainModule) -> Tensor<1> {
    loss_on(module, &Device::flex())
}

fn loss_on(module: &mut TrainModule, device: &Device) -> Tensor<1> {
    let output = logits(module.forward(vec![input(device)]).unwrap());
    let weights = Value::new(wave(6, 0.4), &[2, 3], device).unwrap();
    let weights: Tensor<2> = weights.try_into().unwrap();
    (output.clone() * output * weights.autodiff()).sum()
}

fn loss_of(graph: &Graph, trained: impl Fn(&str) -> bool) -> f64 {
    let module = EvalModule::from_graph(graph, &Device::flex()).unwrap();
    f64::from(loss(&mut module.into_train(trained)).into_scalar::<f32>())
}

fn gradient_check(trained: fn(&str) -> bool) {
    let graph = without_dropout();
    let module = EvalModule::from_graph(&graph, &Device::flex()).unwrap();
    let mut module = module.into_train(trained);
    let gradients = loss(&mut module).backward();
    let gradients = GradientsParams::from_grads(gradients, &module);
    let mut checked = 0;
    for (name, parameter) in module.parameters() {
        let gradient = parameter.gradient(&gradients).unwrap().to_vec().unwrap();
        for (index, &gradient) in gradient.iter().enumerate() {
            let step = 3e-3f32;
            let moved = |by: f32| {
                let mut graph = graph.clone();
                let tensor = graph.initializers.get_mut(name).unwrap();
                let mut values = tensor.to_f32().unwrap();
                values[index] += by;
                *tensor = edgefit_graph::Tensor::from_values(tensor.dims().to_vec(), &values);
                loss_of(&graph, trained)
            };
            let numeric = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            let error = (numeric - f64::from(gradient)).abs();
            assert!(
                error < 2e-2 * numeric.abs().max(0.05),
                "{name}[{index}]: {gradient}, by differences {numeric}"
            );
            checked += 1;
        }
    }
    assert!(checked > 10);
}

#[test]
fn gradients_match_differences_with_batch_statistics() {
    gradient_check(|_| true);
}

#[test]
fn gradients_match_differences_with_frozen_normalisation() {
    gradient_check(|name| !name.starts_with("bn"));
}

#[test]
fn eval_mode_does_not_drop_or_drift() {
    let device = Device::flex();
    let module = EvalModule::from_graph(&network(), &device).unwrap();
    let run = |module: &EvalModule| {
        let outputs = module.forward(vec![input(&device)]).unwrap();
        outputs[0].to_vec().unwrap()
    };
    let first = run(&module);
    assert_eq!(first, run(&module));
    // Through train mode and back, nothing trained: the same network.
    assert_eq!(first, run(&module.into_train(|_| true).to_eval()));
}

#[test]
fn frozen_normalisation_keeps_its_statistics_and_trained_one_moves_them() {
    for (freeze, moves) in [(true, false), (false, true)] {
        let mut graph = without_dropout();
        let before = graph.initializers["bn.mean"].clone();
        let module = EvalModule::from_graph(&graph, &Device::flex()).unwrap();
        let mut module = module.into_train(|name| !(freeze && name.starts_with("bn")));
        module.forward(vec![input(&Device::flex())]).unwrap();
        module.to_eval().write_into(&mut graph).unwrap();
        assert_eq!(graph.initializers["bn.mean"] != before, moves);
    }
}

#[test]
fn running_statistics_move_towards_those_of_the_batch() {
    let dims = [3, 2, 2, 1];
    let mut graph = Graph::new("normalisation", 17);
    graph
        .inputs
        .push(ValueInfo::f32("x", dims.map(Dim::Known).to_vec()));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weights = [
        ("scale", [1f32, 1.0]),
        ("bias", [0.0, 0.0]),
        ("mean", [0.5, -0.25]),
        ("variance", [2.0, 0.5]),
    ];
    for (name, values) in weights {
        let tensor = edgefit_graph::Tensor::from_values(vec![2], &values);
        graph.initializers.insert(name.into(), tensor);
    }
    let inputs = ["x", "scale", "bias", "mean", "variance"];
    let node = Node::new("BatchNormalization", "bn", &inputs, &["y"]);
    graph.nodes = vec![node.with("momentum", Attribute::Float(0.8))];
    let before = graph.clone();

    let (x, device) = (wave(12, 0.0), Device::flex());
    let module = EvalModule::from_graph(&graph, &device).unwrap();
    let mut module = module.into_train(|_| true);
    let batch = Value::new(x.clone(), &dims, &device).unwrap();
    module.forward(vec![batch]).unwrap();
    module.to_eval().write_into(&mut graph).unwrap();
    for channel in 0..2 {
        let own = x.chunks(2).skip(channel).step_by(2).flatten();
        let own: Vec<f32> = own.copied().collect();
        let mean = own.iter().sum::<f32>() / 6.0;
        // Unbiased.
        let variance = own.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 5.0;
        for (name, new) in [("mean", mean), ("variance", variance)] {
            let [old, made] =
                [&before, &graph].map(|graph| graph.initializers[name].to_f32().unwrap()[channel]);
            let wanted = 0.8 * old + 0.2 * new;
            assert!(
                (made - wanted).abs() < 1e-5,
                "{name}[{channel}]: {made}, not {wanted}"
            );
        }
    }
}

#[test]
fn a_step_lowers_the_loss_and_reaches_the_graph() {
    let mut graph = without_dropout();
    let module = EvalModule::from_graph(&graph, &Device::flex()).unwrap();
    let mut module = module.into_train(|name| name.starts_with("fc"));
    assert_eq!(module.parameters().count(), 2);
    let mut optimizer = SgdConfig::new().init();
    let before = loss(&mut module);
    let gradients = GradientsParams::from_grads(before.backward(), &module);
    module = optimizer.step(1e-2, module, gradients);
    let after = loss(&mut module);
    assert!(after.into_scalar::<f32>() < before.into_scalar::<f32>());

    let (head, conv) = (
        graph.initializers["fc.w"].clone(),
        graph.initializers["conv.w"].clone(),
    );
    module.to_eval().write_into(&mut graph).unwrap();
    assert_ne!(graph.initializers["fc.w"], head);
    assert_eq!(graph.initializers["conv.w"], conv);
}

#[test]
fn wrong_shapes_are_errors_with_a_place() {
    let device = Device::flex();
    let module = EvalModule::from_graph(&network(), &device).unwrap();
    let narrow = Value::new(vec![0.0; 2 * 3 * 5 * 7], &[2, 3, 5, 7], &device).unwrap();
    let error = module.forward(vec![narrow]).unwrap_err().to_string();
    assert!(error.contains("node 'conv' (Conv): 3 channels"), "{error}");
    assert!(module.forward(vec![]).is_err());
}

/// Losses of ten steps of a small net that is trained as a whole.
#[cfg(feature = "ndarray")]
fn ten_losses(backend: Backend) -> Vec<f32> {
    let device = backend.device().unwrap();
    let module = EvalModule::from_graph(&without_dropout(), &device).unwrap();
    let mut module = module.into_train(|_| true);
    let mut optimizer = SgdConfig::new().init();
    let mut step = |_| {
        let loss = loss_on(&mut module, &device);
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        module = optimizer.step(1e-2, module.clone(), gradients);
        loss.into_scalar::<f32>()
    };
    (0..10).map(&mut step).collect()
}

#[cfg(feature = "ndarray")]
#[test]
fn ndarray_trains_as_flex_does() {
    let [flex, ndarray] = [Backend::Flex, Backend::Ndarray].map(ten_losses);
    assert!(flex[9] < flex[0], "{flex:?}");
    for (a, b) in flex.iter().zip(&ndarray) {
        assert!((a - b).abs() < 1e-4, "{flex:?} {ndarray:?}");
    }
}
