//! An order of the nodes that needs less memory than the graph's own.

use std::collections::HashMap;

use edgefit_graph::Graph;
use edgefit_graph::topology::Topology;
use serde::Serialize;

use crate::fused_steps::{Step, Steps};

/// Steps that may be tried over the whole search.
const WORK: usize = 100_000;

/// Most sets of finished steps kept between two steps.
const WIDEST: usize = 2_000;

/// An order of the nodes that needs less memory than the graph's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BestOrder {
    /// Largest sum of activations alive at once in this order.
    pub lower_bound_bytes: u64,
    /// What the planner reached in this order.
    pub arena_bytes: u64,
    /// Indices of the graph's nodes, in the order in which to run them.
    pub order: Vec<usize>,
    /// Steps that were tried to find it.
    #[serde(skip)]
    pub tried_steps: usize,
}

impl BestOrder {
    /// `graph`, which this is an order of, with its nodes in this order.
    #[must_use]
    pub fn apply(&self, graph: &Graph) -> Graph {
        let mut reordered = graph.clone();
        reordered.nodes = self
            .order
            .iter()
            .filter_map(|&node| graph.nodes.get(node).cloned())
            .collect();
        reordered
    }
}

/// What [`below`] found.
pub(super) struct Found {
    /// An order of the steps.
    pub order: Vec<usize>,
    /// Steps that were tried.
    pub tried: usize,
}

/// An order of `steps` whose peak is below `peak` bytes, if one is found.
///
/// Steps are added one at a time to sets of finished steps; of two ways to the same set, the one
/// with the lower peak is kept (Liberis & Lane 2019, arXiv 1910.05110; Ahn et al. 2020, Serenity,
/// MLSys). Sets with a peak of `peak` or more are dropped, and where
/// too many remain, only those with the least memory are kept: then, a better order may be missed.
pub(super) fn below(steps: &Steps, bytes: &[u64], peak: u64) -> Option<Found> {
    let flow = Flow::of(steps, bytes)?;
    let count = steps.steps.len();
    let width = (WORK / count.max(1)).clamp(1, WIDEST);
    let mut tried = 0;
    let mut reached = vec![State::start(&flow)];
    // For each number of finished steps: the step that led to each state, and from which.
    let mut came: Vec<Vec<(u32, u32)>> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut next: Vec<State> = Vec::new();
        let mut from: Vec<(u32, u32)> = Vec::new();
        let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
        for (index, state) in (0..).zip(&reached) {
            for &step in &state.ready {
                tried += 1;
                let grown = state.run(&flow, step);
                if grown.peak >= peak {
                    continue;
                }
                match known.get(&grown.done) {
                    Some(&same) if next[same].peak <= grown.peak => {}
                    Some(&same) => {
                        from[same] = (index, step);
                        next[same] = grown;
                    }
                    None => {
                        known.insert(grown.done.clone(), next.len());
                        next.push(grown);
                        from.push((index, step));
                    }
                }
            }
        }
        if next.len() > width {
            let mut kept: Vec<usize> = (0..next.len()).collect();
            kept.sort_by_key(|&index| (next[index].peak, next[index].alive, index));
            kept.truncate(width);
            from = kept.iter().map(|&index| from[index]).collect();
            next = kept.iter().map(|&index| next[index].clone()).collect();
        }
        reached = next;
        came.push(from);
    }
    let last = (0..reached.len()).min_by_key(|&index| reached[index].peak)?;
    let mut order = Vec::with_capacity(count);
    let mut at = last;
    for from in came.iter().rev() {
        let (state, step) = from[at];
        order.push(step as usize);
        at = state as usize;
    }
    order.reverse();
    Some(Found { order, tried })
}

/// The order of all of `graph`'s nodes in which `steps` run one after another as `order` says.
pub(super) fn of_nodes(graph: &Graph, steps: &Steps, order: &[usize]) -> Vec<usize> {
    let topology = Topology::of(graph);
    let mut placed = vec![false; graph.nodes.len()];
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    let of_steps = order.iter().flat_map(|&step| &steps.steps[step].nodes);
    // Nodes of no step, such as shape arithmetic, are placed before the first that needs them.
    for node in of_steps.copied().chain(0..graph.nodes.len()) {
        let mut waiting = vec![node];
        while let Some(&node) = waiting.last() {
            let inputs = graph.nodes[node].present_inputs();
            let missing: Vec<usize> = inputs
                .filter_map(|input| topology.producer(input))
                .filter(|&producer| !placed[producer])
                .collect();
            if placed[node] || missing.is_empty() {
                waiting.pop();
                if !placed[node] {
                    placed[node] = true;
                    nodes.push(node);
                }
            } else {
                waiting.extend(missing);
            }
        }
    }
    nodes
}

/// Which steps wait for which, and which read which buffer.
struct Flow<'s> {
    steps: &'s Steps,
    bytes: &'s [u64],
    /// For each step, the steps that wait for it.
    followers: Vec<Vec<u32>>,
    /// For each buffer, the steps that read it; `None` for one that outlives the run.
    readers: Vec<Option<Vec<u32>>>,
}

impl<'s> Flow<'s> {
    fn of(steps: &'s Steps, bytes: &'s [u64]) -> Option<Self> {
        let count = u32::try_from(steps.steps.len()).ok()?;
        let mut followers = vec![Vec::new(); steps.steps.len()];
        let mut readers = vec![Some(Vec::new()); steps.buffers.len()];
        for (index, step) in (0..count).zip(&steps.steps) {
            for &before in &step.after {
                followers[before].push(index);
            }
            for &read in &step.reads {
                readers[read].get_or_insert_default().push(index);
            }
        }
        for &output in &steps.outputs {
            readers[output] = None;
        }
        Some(Flow {
            steps,
            bytes,
            followers,
            readers,
        })
    }
}

/// A set of finished steps.
#[derive(Clone)]
struct State {
    /// One bit a step.
    done: Vec<u64>,
    /// Steps that can run now.
    ready: Vec<u32>,
    /// Bytes that later steps or the caller still need.
    alive: u64,
    /// Most bytes alive so far.
    peak: u64,
}

impl State {
    fn start(flow: &Flow) -> Self {
        let count = flow.steps.steps.len();
        let free = |step: &u32| flow.steps.steps[*step as usize].after.is_empty();
        let mut alive = flow
            .bytes
            .iter()
            .fold(0u64, |sum, &bytes| sum.saturating_add(bytes));
        for step in &flow.steps.steps {
            for &write in &step.writes {
                alive = alive.saturating_sub(flow.bytes[write]);
            }
        }
        State {
            done: vec![0; count.div_ceil(64)],
            ready: (0..count as u32).filter(free).collect(),
            alive,
            peak: 0,
        }
    }

    fn is_done(&self, step: u32) -> bool {
        self.done[step as usize / 64] >> (step % 64) & 1 == 1
    }

    /// This set and `step`, one of the ready ones.
    fn run(&self, flow: &Flow, step: u32) -> Self {
        let mut grown = self.clone();
        grown.done[step as usize / 64] |= 1 << (step % 64);
        grown.ready.retain(|&other| other != step);
        let Step { reads, writes, .. } = &flow.steps.steps[step as usize];
        for &write in writes {
            grown.alive = grown.alive.saturating_add(flow.bytes[write]);
        }
        grown.peak = grown.peak.max(grown.alive);
        let mut used: Vec<usize> = reads.iter().chain(writes).copied().collect();
        used.sort_unstable();
        used.dedup();
        for buffer in used {
            let readers = flow.readers[buffer].as_ref();
            if readers.is_some_and(|readers| readers.iter().all(|&step| grown.is_done(step))) {
                grown.alive = grown.alive.saturating_sub(flow.bytes[buffer]);
            }
        }
        for &follower in &flow.followers[step as usize] {
            let after = &flow.steps.steps[follower as usize].after;
            if after.iter().all(|&step| grown.is_done(step as u32)) {
                grown.ready.push(follower);
            }
        }
        grown
    }
}
