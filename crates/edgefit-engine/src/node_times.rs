//! Times of an engine's nodes.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Time of one node of the engine's own, optimised graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeTime {
    /// The engine's name for it: mostly that of the node, or of its output, that it was made from.
    pub name: String,
    /// The engine's operator.
    pub op: String,
    /// Median.
    pub ns: u64,
}

/// Times of nodes, run by run, in the order of their first run.
#[derive(Default)]
pub(crate) struct Recorder {
    index: HashMap<String, usize>,
    nodes: Vec<(String, String, Vec<u64>)>,
}

impl Recorder {
    pub(crate) fn record(&mut self, name: &str, op: &str, ns: u64) {
        let next = self.nodes.len();
        let index = *self.index.entry(name.to_owned()).or_insert(next);
        if index == next {
            self.nodes
                .push((name.to_owned(), op.to_owned(), Vec::new()));
        }
        self.nodes[index].2.push(ns);
    }

    pub(crate) fn medians(self) -> Vec<NodeTime> {
        let median = |mut times: Vec<u64>| {
            times.sort_unstable();
            times[times.len() / 2]
        };
        self.nodes
            .into_iter()
            .map(|(name, op, times)| NodeTime {
                name,
                op,
                ns: median(times),
            })
            .collect()
    }
}
