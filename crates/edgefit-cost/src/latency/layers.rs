//! Where the time of a run goes: by node, and by class of op.

use edgefit_device::rates::OpClass;
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use serde::Serialize;

use super::node_latency::NodeLatency;

/// A node that takes time.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// Its time, and what bounds it.
    #[serde(flatten)]
    pub latency: NodeLatency,
    /// Operator.
    pub op: String,
    /// Shape of its first output, if that is known.
    pub output_shape: Option<Vec<usize>>,
}

/// All nodes of one class.
#[derive(Debug, Clone, Serialize)]
pub struct ClassLatency {
    /// Class of op.
    pub class: OpClass,
    /// Number of nodes.
    pub nodes: usize,
    /// Multiply-accumulates of all of them.
    pub macs: u64,
    /// Time of all of them.
    pub ns: u64,
}

/// The nodes behind `latencies`, which were predicted for `graph`, in the same order.
pub fn layers(graph: &Graph, inference: &Inference, latencies: &[NodeLatency]) -> Vec<Layer> {
    let layer = |latency: &NodeLatency| {
        let node = &graph.nodes[latency.node];
        let output = node.outputs.first().and_then(|name| inference.get(name));
        Layer {
            latency: latency.clone(),
            op: node.op.clone(),
            output_shape: output.map(|ty| ty.dims.clone()),
        }
    };
    latencies.iter().map(layer).collect()
}

/// Sums of `latencies`, the class with the most time first.
pub fn by_class(latencies: &[NodeLatency]) -> Vec<ClassLatency> {
    let mut classes: Vec<ClassLatency> = Vec::new();
    for latency in latencies {
        let known = classes.iter().position(|sum| sum.class == latency.class);
        let index = known.unwrap_or_else(|| {
            classes.push(ClassLatency {
                class: latency.class.clone(),
                nodes: 0,
                macs: 0,
                ns: 0,
            });
            classes.len() - 1
        });
        let sum = &mut classes[index];
        sum.nodes += 1;
        sum.macs = sum.macs.saturating_add(latency.macs);
        sum.ns = sum.ns.saturating_add(latency.ns);
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.ns));
    classes
}
