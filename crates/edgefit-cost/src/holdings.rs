use edgefit_device::footprint::Holdings;
use edgefit_device::rates::class;
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;

use crate::latency::Work;

/// What an engine has to hold of `graph`, beside the activations.
pub fn holdings(graph: &Graph, inference: &Inference) -> Holdings<u64> {
    let mut held = Holdings {
        nodes: graph.nodes.len() as u64,
        ..Holdings::default()
    };
    let mut counted = 0;
    let mut seen = std::collections::HashSet::new();
    for work in Work::of(graph, inference) {
        let weight = graph.nodes[work.node]
            .input(1)
            .filter(|name| seen.insert(*name));
        let Some(tensor) = weight.and_then(|name| graph.initializers.get(name)) else {
            continue;
        };
        let bytes = tensor.bytes().len() as u64;
        let part = match work.class.as_str() {
            class::DENSE | class::GROUPED | class::DEPTHWISE => &mut held.dense,
            class::POINTWISE => &mut held.pointwise,
            class::GEMM if work.size.positions == 1 => &mut held.vector,
            class::GEMM => &mut held.matrix,
            _ => continue,
        };
        *part += bytes;
        counted += bytes;
    }
    let all: u64 = graph
        .initializers
        .values()
        .map(|tensor| tensor.bytes().len() as u64)
        .sum();
    held.other = all.saturating_sub(counted);
    held
}
