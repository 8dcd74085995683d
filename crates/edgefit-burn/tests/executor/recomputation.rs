//! Activations that are computed twice: the same gradients, in less memory.

use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, Gradients, Recomputation, StepPlan, Value};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Attribute, Dim, Graph, Node, ValueInfo};

const INPUT: [usize; 4] = [3, 4, 9, 7];
const BLOCKS: usize = 6;

/// What else is in a network of residual blocks.
#[derive(Clone, Copy, PartialEq)]
enum With {
    Nothing,
    /// A convolution that is the same in two blocks, and the stem's result once more in the middle.
    Sharing,
    /// Normalisation behind each block.
    Normalization,
}

/// Residual blocks of two convolutions.
fn network(with: With) -> Graph {
    let mut graph = Graph::new("network", 17);
    let dims = INPUT.map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let mut phase = 0.0;
    let mut weight = |graph: &mut Graph, name: &str, dims: &[usize]| {
        phase += 1.0;
        let count = dims.iter().product::<usize>();
        let values: Vec<f32> = (0..count)
            .map(|at| (at as f32 * 0.7 + phase).sin() * 0.1)
            .collect();
        let tensor = edgefit_graph::Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    };
    let conv = |name: &str, x: &str, w: &str, y: &str| {
        Node::new("Conv", name, &[x, w], &[y]).with("pads", Attribute::Ints(vec![1; 4]))
    };
    weight(&mut graph, "stem.w", &[8, 4, 3, 3]);
    graph.nodes.push(conv("stem", "x", "stem.w", "b0"));
    for block in 0..BLOCKS {
        let named = |what: &str| format!("{what}{block}");
        let shared = if with == With::Sharing {
            block.max(1)
        } else {
            block
        };
        let [first, second] = [named("u"), format!("v{shared}")];
        weight(&mut graph, &first, &[8, 8, 3, 3]);
        weight(&mut graph, &second, &[8, 8, 3, 3]);
        let next = format!("b{}", block + 1);
        let x = if with == With::Sharing && block == BLOCKS / 2 {
            let [x, sum] = [named("b"), named("again")];
            graph
                .nodes
                .push(Node::new("Add", &sum, &[&x, "b0"], &[&sum]));
            sum
        } else {
            named("b")
        };
        let [c, r, d, s] = ["c", "r", "d", "s"].map(named);
        graph.nodes.extend([
            conv(&c, &x, &first, &c),
            Node::new("Relu", &r, &[&c], &[&r]),
            conv(&d, &r, &second, &d),
            Node::new("Add", &s, &[&d, &x], &[&s]),
        ]);
        match with {
            With::Normalization => {
                let parameters = ["gain", "bias", "mean", "variance"].map(named);
                for name in &parameters {
                    let ones = edgefit_graph::Tensor::from_values(vec![8], &[1f32; 8]);
                    graph.initializers.insert(name.clone(), ones);
                }
                let [gain, bias, mean, variance] = parameters.each_ref().map(String::as_str);
                let inputs = [s.as_str(), gain, bias, mean, variance];
                let norm = Node::new("BatchNormalization", &next, &inputs, &[&next]);
                graph.nodes.push(norm);
            }
            _ => graph.nodes.push(Node::new("Relu", &next, &[&s], &[&next])),
        }
    }
    weight(&mut graph, "fc", &[8, 3]);
    let last = format!("b{BLOCKS}");
    graph.nodes.extend([
        Node::new("GlobalAveragePool", "pool", &[&last], &["p"]),
        Node::new("Flatten", "flatten", &["p"], &["f"]),
        Node::new("MatMul", "fc", &["f", "fc"], &["y"]),
    ]);
    graph
}

fn plan(graph: &Graph, trained: fn(&str) -> bool) -> StepPlan {
    let shapes = InputShapes(vec![("x".into(), INPUT.to_vec())]);
    StepPlan::new(graph, &shapes, trained, 2).unwrap()
}

/// The gradients of a step, by weight, and the running statistics after it.
fn step(
    graph: &Graph,
    trained: fn(&str) -> bool,
    recomputation: &Recomputation,
) -> Vec<(String, Vec<f32>)> {
    let device = Device::flex();
    let module = EvalModule::from_graph(graph, &device).unwrap();
    let mut module = module
        .into_train(trained)
        .recomputing(recomputation.clone());
    let values = (0..INPUT.iter().product()).map(|at| (at as f32 * 0.3).cos());
    let x = Value::new(values.collect(), &INPUT, &device).unwrap();
    let y: Tensor<2> = module
        .forward(vec![x])
        .unwrap()
        .remove(0)
        .try_into()
        .unwrap();
    let gradients = Gradients::of(&(y.clone() * y).sum(), &mut module).unwrap();
    let mut all: Vec<(String, Vec<f32>)> = module
        .parameters()
        .map(|(name, parameter)| {
            let gradient = parameter.gradient(gradients.params()).unwrap();
            (name.to_owned(), gradient.to_vec().unwrap())
        })
        .collect();
    all.extend(module.to_eval().weights().unwrap());
    all
}

#[test]
fn gradients_are_the_same_to_the_bit() {
    let graph = network(With::Nothing);
    let trains: [fn(&str) -> bool; 2] = [|_| true, |name| name.starts_with(['u', 'f'])];
    for trained in trains {
        let plan = plan(&graph, trained);
        let plain = Recomputation::default();
        let usual = plan.memory(&plain);
        let (least, memory) = plan.least();
        assert!(memory.saved < usual.saved / 2, "{memory:?} {usual:?}");
        assert!(least.parts() > 1 && least.share() > 0.5 && least.share() < 1.0);
        let expected = step(&graph, trained, &plain);
        assert!(step(&graph, trained, &least) == expected);
        let (between, memory) = plan.within((usual.resident + memory.resident) / 2);
        assert!(!between.is_empty() && between.share() < least.share());
        assert!(memory.resident < usual.resident);
        assert!(step(&graph, trained, &between) == expected);
    }
}

#[test]
fn gradients_from_several_parts_are_added() {
    let graph = network(With::Sharing);
    let least = plan(&graph, |_| true).least().0;
    assert!(!least.is_empty());
    let plain = step(&graph, |_| true, &Recomputation::default());
    for ((name, plain), (_, least)) in plain.iter().zip(step(&graph, |_| true, &least)) {
        let largest = plain.iter().fold(0f32, |most, value| most.max(value.abs()));
        let apart = plain.iter().zip(&least).map(|(a, b)| (a - b).abs());
        // They are added in another order.
        let apart = apart.fold(0f32, f32::max);
        assert!(apart <= 1e-6 * largest, "{name}: {apart} of {largest}");
    }
}

#[test]
fn what_a_second_run_would_not_repeat_runs_once() {
    // Running statistics move on.
    let graph = network(With::Normalization);
    let (least, _) = plan(&graph, |_| true).least();
    assert!(!least.is_empty());
    let plain = step(&graph, |_| true, &Recomputation::default());
    assert!(step(&graph, |_| true, &least) == plain);
}
