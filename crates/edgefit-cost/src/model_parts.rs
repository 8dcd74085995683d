//! What an engine keeps of a model in memory, part by part.

use std::collections::HashSet;

use edgefit_device::process_memory::ModelParts;
use edgefit_device::rates::OpClass;
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;

use crate::latency::Work;

/// What an engine has to keep of `graph` in addition to the activations: bytes of its constants by the
/// kind of op that reads them, and the number of nodes.
pub fn model_parts(graph: &Graph, inference: &Inference) -> ModelParts<u64> {
    let mut parts = ModelParts {
        nodes: graph.nodes.len() as u64,
        ..ModelParts::default()
    };
    let mut counted = 0;
    let mut seen = HashSet::new();
    for work in Work::of(graph, inference) {
        let weight = graph.nodes[work.node]
            .input(1)
            .filter(|name| seen.insert(*name));
        let Some(tensor) = weight.and_then(|name| graph.initializers.get(name)) else {
            continue;
        };
        let bytes = tensor.bytes().len() as u64;
        let part = match work.class {
            OpClass::Dense | OpClass::Grouped | OpClass::Depthwise => &mut parts.dense,
            OpClass::Pointwise => &mut parts.pointwise,
            OpClass::Gemm if work.size.output_positions == 1 => &mut parts.vector,
            OpClass::Gemm => &mut parts.matrix,
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
    parts.other = all.saturating_sub(counted);
    parts
}
