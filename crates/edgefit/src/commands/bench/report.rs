use std::path::PathBuf;

use edgefit::bench::compare::Ratio;
use edgefit::bench::context::Context;
use edgefit::bench::schedule::Measured;
use edgefit::bench::statistics::{Summary, median};
use edgefit::bench::{Bar, histogram};
use edgefit::engine::{EngineName, NodeTime};
use indexmap::IndexMap;
use serde::Serialize;

use super::claim::Judged;
use super::warning::Warning;
use crate::commands::remote::Told;

/// One thing to measure.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub model: PathBuf,
    pub engine: EngineName,
    pub threads: usize,
    pub shapes: Vec<Vec<usize>>,
}

/// The document `edgefit.bench/1`.
#[derive(Debug, Serialize)]
pub struct Report {
    pub results: Vec<BenchResult>,
    pub comparisons: Vec<Compared>,
    pub assertions: Vec<Judged>,
    pub failures: Vec<Failure>,
    pub context: Context,
    /// The board, where it was not this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<Told>,
    pub warnings: Vec<Warning>,
}

/// A candidate that did not run.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub model: String,
    pub engine: EngineName,
    pub threads: usize,
    pub error: String,
}

/// What one candidate takes.
#[derive(Debug, Serialize)]
pub struct BenchResult {
    pub model: String,
    pub engine: EngineName,
    pub threads: usize,
    pub input_shapes: Vec<Vec<usize>>,
    /// Nothing where an emulator runs the model.
    #[serde(flatten)]
    pub summary: Option<Summary>,
    pub throughput_per_second: Option<f64>,
    /// Medians over the launches.
    pub cold_start_ns: Option<u64>,
    pub load_ns: Option<u64>,
    pub first_ns: Option<u64>,
    pub launch_p50_ns: Vec<u64>,
    pub warm_up_runs: usize,
    pub steady: bool,
    pub peak_rss_bytes: Option<u64>,
    /// Of one run, of everything on the processor's package.
    pub energy_mj: Option<f64>,
    pub energy_missing: Option<String>,
    pub involuntary_switches: Option<u64>,
    pub histogram: Vec<Bar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeTime>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ops: Option<Vec<OpTime>>,
    #[serde(skip)]
    pub times_ns: Vec<u64>,
}

/// All nodes of one operator.
#[derive(Debug, Serialize)]
pub struct OpTime {
    pub op: String,
    pub nodes: usize,
    pub ns: u64,
}

/// Two candidates.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub candidate: String,
    pub reference: String,
    /// Whether they took turns.
    pub interleaved: bool,
    #[serde(flatten)]
    pub ratio: Ratio,
}

impl Compared {
    pub fn what(&self) -> String {
        format!("{} against {}", self.candidate, self.reference)
    }
}

impl BenchResult {
    /// Sums up what was measured; times are left out where `emulated`.
    pub fn of(candidate: &Candidate, measured: &Measured, emulated: bool) -> Self {
        let times = measured.times_ns();
        let launches = &measured.launches;
        let middle = |of: &dyn Fn(&edgefit::bench::schedule::Launched) -> u64| {
            (!emulated).then(|| median(&launches.iter().map(of).collect::<Vec<_>>()))
        };
        let rounds = || launches.iter().flat_map(|launch| &launch.rounds);
        let energy: Option<Vec<u64>> = launches.iter().map(|launch| launch.energy_uj).collect();
        // Each turn begins with one run that is not timed.
        let runs = times.len() + rounds().count();
        let energy = energy.filter(|_| !emulated && runs > 0);
        let energy_mj = energy.map(|uj| uj.iter().sum::<u64>() as f64 / 1e3 / runs as f64);
        let summary = Summary::of(&times).filter(|_| !emulated);
        let batch = candidate.shapes.first().and_then(|shape| shape.first());
        let throughput =
            |summary: &Summary| *batch.unwrap_or(&1) as f64 * 1e9 / summary.mean_ns.max(1) as f64;
        let nodes = measured.nodes.as_ref().filter(|_| !emulated);
        let nodes = nodes.and_then(|nodes| nodes.as_ref().ok()).cloned();
        let switches: Option<Vec<u64>> = rounds().map(|round| round.involuntary_switches).collect();
        BenchResult {
            model: candidate.model.display().to_string(),
            engine: candidate.engine,
            threads: candidate.threads,
            input_shapes: candidate.shapes.clone(),
            throughput_per_second: summary.as_ref().map(throughput),
            summary,
            cold_start_ns: middle(&|launch| launch.cold_start_ns),
            load_ns: middle(&|launch| launch.ready.load_ns),
            first_ns: middle(&|launch| launch.ready.first_ns),
            launch_p50_ns: match emulated {
                true => Vec::new(),
                false => launches.iter().map(launch_p50).collect(),
            },
            warm_up_runs: launches.iter().map(|launch| launch.warm_up.runs).sum(),
            steady: launches.iter().all(|launch| launch.warm_up.steady),
            peak_rss_bytes: rounds().filter_map(|round| round.peak_rss_bytes).max(),
            energy_mj,
            energy_missing: None,
            involuntary_switches: switches.map(|counts| counts.iter().sum()),
            histogram: if emulated {
                Vec::new()
            } else {
                histogram(&times)
            },
            ops: nodes.as_deref().map(by_op),
            nodes,
            times_ns: times,
        }
    }

    /// What it is, in a line.
    pub fn label(&self) -> String {
        let plural = if self.threads == 1 { "" } else { "s" };
        format!(
            "{} on {}, {} thread{plural}",
            self.model, self.engine, self.threads
        )
    }
}

fn launch_p50(launch: &edgefit::bench::schedule::Launched) -> u64 {
    let times = launch.rounds.iter().flat_map(|round| &round.times_ns);
    median(&times.copied().collect::<Vec<_>>())
}

/// Sums, the slowest first.
fn by_op(nodes: &[NodeTime]) -> Vec<OpTime> {
    let mut sums: IndexMap<&str, OpTime> = IndexMap::new();
    for node in nodes {
        let sum = sums.entry(&node.op).or_insert_with(|| OpTime {
            op: node.op.clone(),
            nodes: 0,
            ns: 0,
        });
        sum.nodes += 1;
        sum.ns = sum.ns.saturating_add(node.ns);
    }
    let mut ops: Vec<OpTime> = sums.into_values().collect();
    ops.sort_by_key(|op| std::cmp::Reverse(op.ns));
    ops
}
