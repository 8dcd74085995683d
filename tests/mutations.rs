//! Randomly damaged copies of a real model: analysed or refused, never a panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use common::backbone;
use edgefit::cost;
use edgefit::cost::memory::MemoryPlan;
use edgefit::device;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::{Head, cut_softmax, extract, fold_batch_norm, lift_constants};
use edgefit::graph::{Graph, Node, Preprocessing, Tensor, ValueInfo, labels};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MUTATIONS: usize = 3_000;

/// Everything that happens to a model before an engine sees it.
fn analyse(bytes: Vec<u8>) -> edgefit::graph::Result<()> {
    let mut graph = Graph::from_bytes(bytes)?;
    Preprocessing::of(&graph)?;
    labels::of(&graph)?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let inference = infer(&graph, &shapes)?;
    cost::Costs::of(&graph, &inference);
    MemoryPlan::of(&graph, &inference, None);
    cost::check(&graph, &shapes, &device::find("stm32h743").unwrap())?;
    lift_constants(&mut graph);
    cut_softmax(&mut graph);
    let head = Head::of(&graph, None)?;
    head.backbone(&graph)?;
    head.extract(&graph)?;
    fold_batch_norm(&mut graph)?;
    Graph::from_bytes(graph.to_bytes())?;
    Ok(())
}

#[test]
fn damaged_models_are_analysed_or_refused() {
    // The first blocks and a head of their own: the structure is large beside the weights.
    let whole = Graph::load(backbone()).unwrap();
    let outputs = [ValueInfo::float("_blocks.1._bn2.out")];
    let mut graph = extract(&whole, &whole.inputs, &outputs).unwrap();
    graph.nodes.extend([
        Node::new("GlobalAveragePool", "pool", &["_blocks.1._bn2.out"], &["p"]),
        Node::new("Flatten", "flatten", &["p"], &["f"]),
        Node::new("Gemm", "fc", &["f", "w", "b"], &["logits"]),
    ]);
    let weight = Tensor::from_values(vec![24, 2], &[0.5f32; 48]);
    graph.initializers.insert("w".into(), weight);
    graph
        .initializers
        .insert("b".into(), Tensor::from_values(vec![2], &[0f32; 2]));
    graph.outputs = vec![ValueInfo::float("logits")];
    let intact = graph.to_bytes();
    analyse(intact.clone()).unwrap();

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let nodes = 3_000;
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..MUTATIONS {
        let mut bytes = intact.clone();
        for _ in 0..rng.random_range(1..4) {
            let end = bytes.len();
            // Half of the damage goes to the structure, which is small beside the weights.
            let at = match rng.random_bool(0.5) {
                true => rng.random_range(0..nodes),
                false => rng.random_range(0..end),
            };
            match rng.random_range(0..4) {
                0 => bytes[at] = rng.random(),
                1 => bytes[at] ^= 1 << rng.random_range(0..8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, rng.random()),
            }
        }
        if rng.random_bool(0.1) {
            bytes.truncate(rng.random_range(nodes..bytes.len()));
        }
        match analyse(bytes) {
            Ok(()) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    // Both ends are reached, or the damage says nothing.
    assert!(refused > MUTATIONS / 10, "{refused} refused");
    assert!(accepted > MUTATIONS / 100, "{accepted} accepted");
}
