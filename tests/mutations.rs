//! Randomly damaged copies of models: analysed, run or refused, never a panic.

use crate::common::backbone;
use crate::common::networks::{first_blocks, transformer};
use edgefit::assets::{Cache, rapidocr_classifier};
use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Value};
use edgefit::cost;
use edgefit::cost::memory_plan::{ElementType, MemoryPlan};
use edgefit::device;
use edgefit::graph::infer::{InputShapes, TensorType, infer};
use edgefit::graph::rewrite::{Head, cut_softmax, fold_batch_norm, lift_constants};
use edgefit::graph::{Dim, Graph, Node, Preprocessing, ValueInfo, labels};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Everything that happens to a model before an engine sees it.
fn analyse(bytes: Vec<u8>) -> edgefit::graph::Result<()> {
    let mut graph = Graph::from_bytes(bytes)?;
    Preprocessing::of(&graph)?;
    labels::of(&graph)?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let inference = infer(&graph, &shapes)?;
    cost::Costs::of(&graph, &inference);
    MemoryPlan::of(&graph, &inference, ElementType::AsStored);
    let profile = device::find("stm32h743").unwrap();
    cost::check(&graph, &shapes, &cost::Request::new(&profile))?;
    lift_constants(&mut graph);
    cut_softmax(&mut graph);
    let head = Head::of(&graph, None)?;
    head.backbone(&graph)?;
    head.extract(&graph)?;
    fold_batch_norm(&mut graph)?;
    Graph::from_bytes(graph.to_bytes())?;
    Ok(())
}

/// And what burn makes of it. A whole network on one sample; it has to be small.
fn analyse_and_run(bytes: Vec<u8>) -> edgefit::graph::Result<()> {
    let graph = Graph::from_bytes(bytes.clone())?;
    analyse(bytes)?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let device = Device::flex();
    let inputs: Vec<Value> = shapes
        .0
        .iter()
        .filter(|(_, dims)| dims.iter().product::<usize>() < 1 << 16)
        .filter_map(|(_, dims)| Value::new(vec![0.5; dims.iter().product()], dims, &device).ok())
        .collect();
    // Damage may ask for more than a test should compute.
    let large = |ty: &TensorType| ty.elements() > 1 << 18;
    let inference = infer(&graph, &shapes)?;
    let mut values = graph.nodes.iter().flat_map(Node::present_outputs);
    if !values.any(|name| inference.get(name).is_some_and(large))
        && let Ok(module) = EvalModule::from_graph(&graph, &device)
    {
        drop(module.forward(inputs));
    }
    Ok(())
}

/// Damages `intact` in `count` ways, most of them in its first `structure` bytes.
fn damage(
    intact: &[u8],
    structure: usize,
    count: usize,
    analyse: impl Fn(Vec<u8>) -> edgefit::graph::Result<()>,
) {
    analyse(intact.to_vec()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..count {
        let mut bytes = intact.to_vec();
        for _ in 0..rng.random_range(1..4) {
            let end = bytes.len();
            let at = if rng.random_bool(0.5) {
                rng.random_range(0..structure)
            } else {
                rng.random_range(0..end)
            };
            match rng.random_range(0..4) {
                0 => bytes[at] = rng.random(),
                1 => bytes[at] ^= 1 << rng.random_range(0..8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, rng.random()),
            }
        }
        if rng.random_bool(0.1) {
            bytes.truncate(rng.random_range(structure..bytes.len()));
        }
        match analyse(bytes) {
            Ok(()) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    // Both ends are reached, or the damage says nothing.
    assert!(refused > count / 10, "{refused} refused");
    assert!(accepted > count / 100, "{accepted} accepted");
}

/// The structure is large compared with the weights.
fn mobile_network(count: usize) {
    let whole = Graph::load(backbone()).unwrap();
    let graph = first_blocks(&whole, "_blocks.1._bn2.out", 2);
    damage(&graph.to_bytes(), 3_000, count, analyse);
}

/// It is run as well.
fn small_transformer(count: usize) {
    let bytes = transformer().to_bytes();
    damage(&bytes, bytes.len() / 2, count, analyse_and_run);
}

fn text_classifier(count: usize) {
    let model = rapidocr_classifier(&Cache::of_user().unwrap()).unwrap();
    let mut graph = Graph::load(model).unwrap();
    // The size of its input is open.
    let dims = [1, 3, 48, 192].map(Dim::Known).to_vec();
    graph.inputs[0] = ValueInfo::f32("x", dims);
    let bytes = graph.to_bytes();
    damage(&bytes, 60_000, count, analyse);
}

#[test]
fn models_damaged_in_500_ways() {
    mobile_network(200);
    small_transformer(200);
    text_classifier(100);
}

#[test]
#[ignore = "takes 2 min: 7,000 damaged models"]
fn models_damaged_in_7000_ways() {
    mobile_network(3_000);
    small_transformer(3_000);
    text_classifier(1_000);
}
