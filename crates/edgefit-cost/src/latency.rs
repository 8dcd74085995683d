//! How long one run takes, node by node, without running it.

mod composites;
mod predict;
mod rates;
mod roofline;
mod work;

use edgefit_device::ElementType;
use edgefit_device::rates::Rate;
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use serde::Serialize;

pub use predict::LatencyFigure;
pub(crate) use predict::predict;
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
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes read and written as the model stores them, weights included.
    pub bytes: u64,
    /// What keeps it from being faster.
    pub bound: Bound,
}

/// What keeps an op from being faster: where the peaks of the device are known, whichever of its
/// multiply-accumulates and its bytes takes longer at those; otherwise what is usual for its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Multiply-accumulates.
    Compute,
    /// Bytes read and written.
    Memory,
    /// The call itself: the op has next to nothing to do.
    Overhead,
}

impl NodeLatency {
    fn new(graph: &Graph, work: Work, ns: u64, bound: Bound) -> Self {
        NodeLatency {
            node: work.node,
            name: graph.nodes[work.node].label().to_owned(),
            class: work.class,
            ns,
            macs: work.macs,
            bytes: work.bytes,
            bound,
        }
    }
}

impl Latency {
    fn of(nodes: Vec<NodeLatency>) -> Self {
        let ns = nodes.iter().map(|node| node.ns);
        Latency {
            ns: ns.fold(0, u64::saturating_add),
            nodes,
        }
    }
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
    let nodes = Work::of(graph, inference)
        .into_iter()
        .filter_map(|work| {
            let ns = rates.ns(&work.class, &work.size)?;
            let bound = predict::usual_bound(&work.class);
            Some(NodeLatency::new(graph, work, ns as u64, bound))
        })
        .collect();
    Some(Latency::of(nodes))
}
