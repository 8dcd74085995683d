//! Where an engine spends its time, node by node.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use edgefit_graph::Graph;
use serde::{Deserialize, Serialize};

use crate::array::Array;
use crate::contain::contain;
use crate::error::{Error, Result};
use crate::{EngineName, Target, onnxruntime, tract};

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

/// How long to run a model for [`trace`] and [`measure`](crate::measure()).
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Runs that count, at least.
    pub runs: usize,
    /// Time of the runs that count, at least.
    pub time: Duration,
}

/// Runs `graph` on `inputs` in `target` with every node timed. The nodes are the engine's own, in the
/// order in which they ran; each time is the median of the runs.
///
/// # Errors
/// The engine is not there, cannot run the model, or, as burn, cannot time its nodes.
pub fn trace(
    target: Target,
    graph: &Graph,
    inputs: &[Array],
    threads: usize,
    effort: Effort,
) -> Result<Vec<NodeTime>> {
    let engine = target.engine;
    let traced = || match engine {
        #[cfg(feature = "burn")]
        EngineName::Burn => Err(Error::run(engine, "it does not time its nodes")),
        EngineName::Tract => tract::trace(graph, inputs, threads, effort),
        EngineName::OnnxRuntime => {
            onnxruntime::trace(graph, inputs, threads, target.provider, effort)
        }
    };
    contain(traced).map_err(|panic| Error::run(engine, panic))?
}

impl Effort {
    /// Calls `run` once to warm up, then until the effort is spent; the times of the calls, sorted.
    pub(crate) fn spend(self, mut run: impl FnMut() -> Result<()>) -> Result<Vec<u64>> {
        run()?;
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.len() < self.runs || begun.elapsed() < self.time {
            let start = Instant::now();
            run()?;
            times.push(start.elapsed().as_nanos() as u64);
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// Times of nodes, run by run, in the order of their first run.
#[derive(Default)]
pub(crate) struct Recorder {
    index: HashMap<String, usize>,
    nodes: Vec<(String, String, Vec<u64>)>,
}

impl Recorder {
    pub fn record(&mut self, name: &str, op: &str, ns: u64) {
        let next = self.nodes.len();
        let index = *self.index.entry(name.to_owned()).or_insert(next);
        if index == next {
            self.nodes
                .push((name.to_owned(), op.to_owned(), Vec::new()));
        }
        self.nodes[index].2.push(ns);
    }

    pub fn medians(self) -> Vec<NodeTime> {
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
