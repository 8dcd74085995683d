//! What the measured times of one candidate say.

use edgefit_base::statistics::Mean;
use edgefit_engine::{EngineName, IntegerShare, NodeTime, Provider};
use serde::Serialize;

use crate::candidate::Candidate;
use crate::gpu::GpuFigures;
use crate::histogram::{Bar, histogram};
use crate::profile_by_block::{TimeSum, by_block, by_op};
use crate::schedule::{Launched, Measured};
use crate::statistics::{Summary, median, outliers};

/// Most outliers that are listed.
const LISTED: usize = 100;

/// What the models ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardware {
    /// The processor that they were built for.
    Real,
    /// An emulator, whose times say nothing of the board.
    Emulated,
}

/// Latency, memory and energy of one candidate, as the JSON of `edgefit bench` has them. Times are in
/// nanoseconds.
#[derive(Debug, Serialize)]
pub struct BenchResult {
    /// File of the model.
    pub model: String,
    /// Engine that ran it.
    pub engine: EngineName,
    /// What the engine ran it on.
    pub provider: Provider,
    /// Threads of the engine.
    pub threads: usize,
    /// Shape of each input, batch first.
    pub input_shapes: Vec<Vec<usize>>,
    /// Times of the runs; nothing where an emulator runs the model.
    #[serde(flatten)]
    pub summary: Option<Summary>,
    /// Samples a second, by the mean time.
    pub throughput_per_second: Option<f64>,
    /// From the start of a process to its first result; median over the launches.
    pub cold_start_ns: Option<u64>,
    /// From the file to a model that can run; median over the launches.
    pub load_ns: Option<u64>,
    /// First run; median over the launches.
    pub first_ns: Option<u64>,
    /// Each process.
    pub launches: Vec<LaunchFigures>,
    /// Runs of the warm-ups of all launches.
    pub warm_up_runs: usize,
    /// Whether every warm-up ended with steady times.
    pub steady: bool,
    /// Most resident memory of a process.
    pub peak_rss_bytes: Option<u64>,
    /// Energy of one run in millijoules, of everything that `energy_source` counts.
    pub energy_mj: Option<f64>,
    /// What counted the energy.
    pub energy_source: Option<String>,
    /// Why there is no energy.
    pub energy_missing: Option<String>,
    /// The GPU, where the model ran on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuFigures>,
    /// Why the GPU could not be watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_missing: Option<String>,
    /// How often the system took a core away during the runs.
    pub involuntary_switches: Option<u64>,
    /// The outliers, the farthest from the median first.
    pub outlier_runs: Vec<Outlier>,
    /// The times in bars.
    pub histogram: Vec<Bar>,
    /// Time of each node, where they were timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeTime>>,
    /// The same, summed by operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ops: Option<Vec<TimeSum>>,
    /// The same, summed by block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Vec<TimeSum>>,
    /// How much of a quantised model the engine computes on integers, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integers: Option<IntegerShare>,
    /// Why that is not known.
    #[serde(skip)]
    pub integers_missing: Option<String>,
    /// Why the nodes have no times, where they were to be timed.
    #[serde(skip)]
    pub nodes_missing: Option<String>,
    /// Every time, as they came.
    #[serde(skip)]
    pub times_ns: Vec<u64>,
    /// The candidate in a line.
    #[serde(skip)]
    pub label: String,
}

/// One process of a candidate.
#[derive(Debug, Serialize)]
pub struct LaunchFigures {
    /// From its start to its first result.
    pub cold_start_ns: u64,
    /// From the file to a model that can run.
    pub load_ns: u64,
    /// First run.
    pub first_ns: u64,
    /// Median of its runs.
    pub p50_ns: u64,
    /// Mean of its runs.
    pub mean_ns: u64,
    /// Number of its runs.
    pub samples: usize,
    /// Medians of its turns, of which ratios are made.
    pub round_p50_ns: Vec<u64>,
    /// The same of what the runs took of the processor; empty where the system does not say.
    pub round_processor_ns: Vec<u64>,
}

/// A run that took much longer or shorter than most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlier {
    /// Process, from 1.
    pub launch: usize,
    /// Run of that process, from 1.
    pub run: usize,
    /// Its time.
    pub ns: u64,
}

impl BenchResult {
    /// Sums up what was measured.
    pub fn of(candidate: &Candidate, measured: &Measured, hardware: Hardware) -> Self {
        let (times, launched): (_, Vec<LaunchFigures>) = match hardware {
            Hardware::Real => (
                measured.times_ns(),
                measured.launches.iter().map(LaunchFigures::of).collect(),
            ),
            Hardware::Emulated => (Vec::new(), Vec::new()),
        };
        let middle = |of: fn(&LaunchFigures) -> u64| {
            let figures: Vec<u64> = launched.iter().map(of).collect();
            (!figures.is_empty()).then(|| median(&figures))
        };
        let rounds = || measured.launches.iter().flat_map(|launch| &launch.rounds);
        let sources = measured
            .launches
            .last()
            .map(|launch| &launch.warm_up.sources);
        let energy: Option<Vec<u64>> = rounds().map(|round| round.readings.energy_uj).collect();
        let energy = energy.filter(|_| !times.is_empty());
        let per_run = |uj: Vec<u64>| uj.iter().sum::<u64>() as f64 / 1e3 / times.len() as f64;
        let samples: Vec<_> = rounds().flat_map(|round| &round.readings.gpu).collect();
        let summary = Summary::of(&times);
        let batch = candidate.shapes.first().and_then(|shape| shape.first());
        let throughput =
            |summary: &Summary| *batch.unwrap_or(&1) as f64 * 1e9 / summary.mean_ns.max(1) as f64;
        let nodes = measured
            .nodes
            .as_ref()
            .filter(|_| hardware == Hardware::Real);
        let nodes = nodes.and_then(|nodes| nodes.as_ref().ok()).cloned();
        let switches: Option<Vec<u64>> = rounds().map(|round| round.involuntary_switches).collect();
        BenchResult {
            model: candidate.model.display().to_string(),
            engine: candidate.target.engine,
            provider: candidate.target.provider,
            threads: candidate.threads,
            input_shapes: candidate.shapes.clone(),
            throughput_per_second: summary.as_ref().map(throughput),
            summary,
            cold_start_ns: middle(|launch| launch.cold_start_ns),
            load_ns: middle(|launch| launch.load_ns),
            first_ns: middle(|launch| launch.first_ns),
            warm_up_runs: measured.launches.iter().map(|one| one.warm_up.runs).sum(),
            steady: measured.launches.iter().all(|one| one.warm_up.steady),
            peak_rss_bytes: rounds().filter_map(|round| round.peak_rss_bytes).max(),
            energy_mj: energy.map(per_run),
            energy_source: sources.and_then(|sources| sources.energy.clone()),
            energy_missing: sources.and_then(|sources| sources.energy_missing.clone()),
            gpu: GpuFigures::of(&samples),
            gpu_missing: sources.and_then(|sources| sources.gpu_missing.clone()),
            involuntary_switches: switches.map(|counts| counts.iter().sum()),
            outlier_runs: outlier_runs(&launched, &times),
            histogram: histogram(&times),
            ops: nodes.as_deref().map(by_op),
            blocks: nodes.as_deref().map(by_block),
            nodes,
            integers: match &measured.integers {
                Some(Ok(share)) => share.clone(),
                _ => None,
            },
            integers_missing: match &measured.integers {
                Some(Err(error)) => Some(error.to_string()),
                _ => None,
            },
            nodes_missing: match &measured.nodes {
                Some(Err(error)) => Some(error.to_string()),
                _ => None,
            },
            launches: launched,
            times_ns: times,
            label: candidate.label(),
        }
    }

    /// Mean of a figure of each launch.
    pub(crate) fn mean_over_launches(&self, of: fn(&LaunchFigures) -> u64) -> Option<Mean> {
        let figures: Vec<f64> = self.launches.iter().map(|one| of(one) as f64).collect();
        Mean::of(&figures)
    }
}

impl LaunchFigures {
    fn of(launch: &Launched) -> Self {
        let times = launch.rounds.iter().flat_map(|round| &round.times_ns);
        let times: Vec<u64> = times.copied().collect();
        LaunchFigures {
            cold_start_ns: launch.cold_start_ns,
            load_ns: launch.ready.load_ns,
            first_ns: launch.ready.first_ns,
            p50_ns: median(&times),
            mean_ns: times.iter().sum::<u64>() / times.len().max(1) as u64,
            samples: times.len(),
            round_p50_ns: launch
                .rounds
                .iter()
                .map(|round| median(&round.times_ns))
                .collect(),
            round_processor_ns: launch
                .rounds
                .iter()
                .filter(|round| !round.processor_ns.is_empty())
                .map(|round| median(&round.processor_ns))
                .collect(),
        }
    }
}

/// The outliers among `times`, which hold those of the launches one after the other.
fn outlier_runs(launches: &[LaunchFigures], times: &[u64]) -> Vec<Outlier> {
    let middle = median(times);
    let place = |mut at: usize| {
        for (index, launch) in launches.iter().enumerate() {
            if at < launch.samples {
                return (index + 1, at + 1);
            }
            at -= launch.samples;
        }
        (launches.len(), at + 1)
    };
    let mut found: Vec<Outlier> = outliers(times)
        .into_iter()
        .map(|at| {
            let (launch, run) = place(at);
            Outlier {
                launch,
                run,
                ns: times[at],
            }
        })
        .collect();
    found.sort_by_key(|outlier| std::cmp::Reverse(outlier.ns.abs_diff(middle)));
    found.truncate(LISTED);
    found
}

#[cfg(test)]
mod tests {
    use crate::sensors::Sources;
    use crate::worker::{Ready, Round, WarmUp};

    use super::*;

    #[test]
    fn times_of_an_emulator_are_left_out() {
        let launch = Launched {
            cold_start_ns: 5,
            ready: Ready {
                load_ns: 3,
                first_ns: 2,
                loaded: None,
            },
            warm_up: WarmUp {
                runs: 1,
                steady: true,
                sources: Sources::default(),
            },
            rounds: vec![Round {
                times_ns: vec![1; 20],
                peak_rss_bytes: Some(7),
                ..Round::default()
            }],
        };
        let node = NodeTime {
            name: "n".into(),
            op: "Conv".into(),
            ns: 1,
        };
        let measured = Measured {
            launches: vec![launch],
            integers: None,
            nodes: Some(Ok(vec![node])),
            failure: None,
        };
        let candidate = Candidate {
            model: "m.onnx".into(),
            target: EngineName::Tract.into(),
            threads: 1,
            shapes: Vec::new(),
            inputs: Vec::new(),
        };
        let json = |hardware| {
            let result = BenchResult::of(&candidate, &measured, hardware);
            serde_json::to_value(result).unwrap()
        };
        let times = |result: &serde_json::Value| -> Vec<String> {
            let fields = result.as_object().unwrap().iter();
            let given = fields.filter(|(name, value)| {
                let empty = value.as_array().is_some_and(Vec::is_empty);
                name.ends_with("_ns") && !value.is_null() || name.as_str() == "launches" && !empty
            });
            given.map(|(name, _)| name.clone()).collect()
        };
        assert!(!times(&json(Hardware::Real)).is_empty());
        let emulated = json(Hardware::Emulated);
        assert_eq!(times(&emulated), Vec::<String>::new());
        for field in ["nodes", "ops", "blocks"] {
            assert_eq!(emulated.get(field), None);
        }
        assert_eq!(emulated["peak_rss_bytes"], 7);
    }

    #[test]
    fn outliers_are_named_by_launch_and_run() {
        let launch = |samples| LaunchFigures {
            cold_start_ns: 0,
            load_ns: 0,
            first_ns: 0,
            p50_ns: 0,
            mean_ns: 0,
            samples,
            round_p50_ns: Vec::new(),
            round_processor_ns: Vec::new(),
        };
        let times = [10, 11, 10, 9, 30, 10, 11, 9, 10, 90];
        let found = outlier_runs(&[launch(4), launch(6)], &times);
        let outlier = |launch, run, ns| Outlier { launch, run, ns };
        assert_eq!(found, [outlier(2, 6, 90), outlier(2, 1, 30)]);
    }
}
