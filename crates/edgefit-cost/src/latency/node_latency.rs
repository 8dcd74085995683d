//! Predicted times of a run and of its nodes.

use edgefit_device::rates::OpClass;
use edgefit_graph::Graph;
use serde::Serialize;

use super::work::Work;

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
    pub class: OpClass,
    /// Time; the least, where the upper end of the whole run is not known.
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
    pub(super) fn new(graph: &Graph, work: Work, ns: u64, bound: Bound) -> Self {
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
    pub(super) fn of(nodes: Vec<NodeLatency>) -> Self {
        let ns = nodes.iter().map(|node| node.ns);
        Latency {
            ns: ns.fold(0, u64::saturating_add),
            nodes,
        }
    }
}
