//! How long one run takes, node by node, without running it.

mod rates;
mod work;

use edgefit_device::ElementType;
use edgefit_device::rates::Rate;
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use serde::Serialize;

use rates::Rates;
pub use work::Work;

/// Predicted time of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// All nodes together.
    pub ns: u64,
    /// The nodes that take time, in graph order.
    pub nodes: Vec<NodeLatency>,
}

/// Predicted time of one node, and of what the engine runs inside it.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLatency {
    /// Index of the node.
    #[serde(skip)]
    pub node: usize,
    /// Name of the node, or of its first output.
    pub name: String,
    /// Class of op.
    pub class: String,
    /// Time.
    pub ns: u64,
}

/// The time that `engine` takes for a run, from rates that were measured on the device; `None` where
/// there are none for it.
pub fn calibrated(
    graph: &Graph,
    inference: &Inference,
    rates: &[Rate],
    engine: &str,
    element_type: ElementType,
    threads: u32,
) -> Option<Latency> {
    let rates = Rates::of(rates, engine, element_type, threads);
    if rates.is_empty() {
        return None;
    }
    let nodes: Vec<NodeLatency> = Work::of(graph, inference)
        .into_iter()
        .filter_map(|work| {
            let ns = rates.ns(&work.class, &work.size)?;
            Some(NodeLatency {
                node: work.node,
                name: graph.nodes[work.node].label().to_owned(),
                class: work.class,
                ns: ns as u64,
            })
        })
        .collect();
    Some(Latency {
        ns: nodes.iter().map(|node| node.ns).sum(),
        nodes,
    })
}
