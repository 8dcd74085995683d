//! Parameters, MACs and memory of networks for which they are published.
//!
//! The definitions differ: MLPerf Tiny's parameters are Keras's, running statistics included, and
//! the naive sums of Pisarchyk & Lee (2020, arXiv 2001.03288) leave out the input image, but have
//! the softmax.

use crate::common::published;
use edgefit::cost::Costs;
use edgefit::cost::memory_plan::{ElementType, MemoryPlan};
use edgefit::graph::infer::{Inference, InputShapes, infer};
use edgefit::graph::{Dim, Graph, Node, ValueInfo};
use edgefit::import::Architecture;

fn inferred(graph: &Graph) -> Inference {
    graph.check().unwrap();
    infer(graph, &InputShapes::bind(graph, 1, None).unwrap()).unwrap()
}

/// Trainable parameters, MACs, and the lower bound in int8.
fn costs(graph: &Graph) -> (u64, u64, u64) {
    let inference = inferred(graph);
    let totals = Costs::of(graph, &inference).totals;
    let plan = MemoryPlan::of(graph, &inference, ElementType::Int8);
    assert_eq!(plan.arena_bytes, plan.lower_bound_bytes);
    (totals.parameters, totals.macs, plan.lower_bound_bytes)
}

/// Elements of everything that is stored.
fn stored(graph: &Graph) -> usize {
    let tensors = graph.initializers.values();
    tensors.map(|tensor| tensor.elements()).sum()
}

/// torchvision's MobileNetV2, with a softmax behind it.
fn mobilenet_v2() -> Graph {
    let mut graph = Architecture::named("mobilenet-v2").unwrap().blank(1000);
    graph
        .nodes
        .push(Node::new("Softmax", "softmax", &["logits"], &["classes"]));
    let dims = vec![Dim::Symbol("batch".into()), Dim::Known(1000)];
    graph.outputs = vec![ValueInfo::f32("classes", dims)];
    graph
}

#[test]
fn mobilenets_cost_what_their_papers_say() {
    // 4.2 M and 569 M; 3.5 M and 300 M.
    let v1 = costs(&published::mobilenet_v1_full());
    assert_eq!(v1, (4_231_976, 568_740_352, 1_204_224));
    assert_eq!(costs(&mobilenet_v2()), (3_504_872, 300_774_272, 1_505_280));
}

#[test]
fn the_networks_of_mlperf_tiny_cost_what_is_published() {
    for (graph, parameters, macs, bound) in [
        (published::resnet8(), 78_666, 12_501_632, 49_152),
        (published::visual_wake_words(), 221_794, 7_489_664, 55_296),
        (published::keyword_spotting(), 24_908, 2_656_768, 16_000),
    ] {
        assert_eq!(stored(&graph), parameters, "{}", graph.name);
        let (_, counted, lower_bound) = costs(&graph);
        assert_eq!((counted, lower_bound), (macs, bound), "{}", graph.name);
    }
}

#[test]
fn float_activations_are_those_of_the_planning_paper() {
    let mib = |bytes: u64| format!("{:.3}", bytes as f64 / (1 << 20) as f64);
    let input = 4 * 3 * 224 * 224;
    for (graph, naive, bound) in [
        (published::mobilenet_v1_full(), "19.248", "4.594"),
        (mobilenet_v2(), "26.313", "5.742"),
    ] {
        let plan = MemoryPlan::of(&graph, &inferred(&graph), ElementType::AsStored);
        assert_eq!(mib(plan.naive_bytes - input), naive, "{}", graph.name);
        assert_eq!(mib(plan.lower_bound_bytes), bound, "{}", graph.name);
        assert_eq!(mib(plan.arena_bytes), bound, "{}", graph.name);
    }
}
