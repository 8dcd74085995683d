use edgefit::bench::compare::Ratio;
use edgefit::bench::context::Context;
use edgefit::bench::schedule::{Launched, Measured};
use edgefit::bench::statistics::{Mean, Summary, median, outliers};
use edgefit::bench::{Bar, histogram};
use edgefit::engine::{EngineName, NodeTime, Provider};
use serde::Serialize;

use super::candidates::Candidate;
use super::claim::Judged;
use super::gpu::GpuFigures;
use super::rollup::{Sum, by_block, by_op};
use super::warning::Warning;
use crate::commands::remote::Told;

/// Most outliers that are named.
const NAMED: usize = 100;

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
    pub provider: Provider,
    pub threads: usize,
    pub error: String,
}

/// What one candidate takes.
#[derive(Debug, Serialize)]
pub struct BenchResult {
    pub model: String,
    pub engine: EngineName,
    pub provider: Provider,
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
    pub launches: Vec<LaunchFigures>,
    pub warm_up_runs: usize,
    pub steady: bool,
    pub peak_rss_bytes: Option<u64>,
    /// Of one run, of everything that `energy_source` counts.
    pub energy_mj: Option<f64>,
    pub energy_source: Option<String>,
    pub energy_missing: Option<String>,
    /// Where the model ran on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_missing: Option<String>,
    pub involuntary_switches: Option<u64>,
    /// The farthest of them first.
    pub outlier_runs: Vec<Outlier>,
    pub histogram: Vec<Bar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeTime>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ops: Option<Vec<Sum>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Vec<Sum>>,
    #[serde(skip)]
    pub times_ns: Vec<u64>,
    #[serde(skip)]
    pub label: String,
}

/// One process of a candidate.
#[derive(Debug, Serialize)]
pub struct LaunchFigures {
    pub cold_start_ns: u64,
    pub load_ns: u64,
    pub first_ns: u64,
    pub p50_ns: u64,
    pub mean_ns: u64,
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
    pub ns: u64,
}

/// Two candidates.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub candidate: String,
    pub reference: String,
    /// Whether they took turns.
    pub interleaved: bool,
    /// What the ratio is of.
    pub basis: Basis,
    #[serde(flatten)]
    pub ratio: Ratio,
}

/// What two candidates are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Time on the clock.
    Time,
    /// Time on the processor, which other programs that take the core do not lengthen.
    ProcessorTime,
}

impl Compared {
    pub fn what(&self) -> String {
        format!("{} against {}", self.candidate, self.reference)
    }
}

impl BenchResult {
    /// Sums up what was measured; times are left out where `emulated`.
    pub fn of(candidate: &Candidate, measured: &Measured, emulated: bool) -> Self {
        let times = match emulated {
            true => Vec::new(),
            false => measured.times_ns(),
        };
        let launched: Vec<LaunchFigures> = match emulated {
            true => Vec::new(),
            false => measured.launches.iter().map(LaunchFigures::of).collect(),
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
        let energy: Option<Vec<u64>> = rounds().map(|round| round.seen.energy_uj).collect();
        let energy = energy.filter(|_| !times.is_empty());
        let per_run = |uj: Vec<u64>| uj.iter().sum::<u64>() as f64 / 1e3 / times.len() as f64;
        let samples: Vec<_> = rounds().flat_map(|round| &round.seen.gpu).collect();
        let summary = Summary::of(&times);
        let batch = candidate.shapes.first().and_then(|shape| shape.first());
        let throughput =
            |summary: &Summary| *batch.unwrap_or(&1) as f64 * 1e9 / summary.mean_ns.max(1) as f64;
        let nodes = measured.nodes.as_ref().filter(|_| !emulated);
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
            outlier_runs: named(&launched, &times),
            histogram: histogram(&times),
            ops: nodes.as_deref().map(by_op),
            blocks: nodes.as_deref().map(by_block),
            nodes,
            launches: launched,
            times_ns: times,
            label: candidate.label(),
        }
    }

    /// Middle of what each launch says, with its 95 % interval.
    pub fn mean_over_launches(&self, of: fn(&LaunchFigures) -> u64) -> Option<Mean> {
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

/// The outliers among `times`, which are those of the launches one after the other.
fn named(launches: &[LaunchFigures], times: &[u64]) -> Vec<Outlier> {
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
    found.truncate(NAMED);
    found
}

#[cfg(test)]
mod tests {
    use edgefit::bench::Sources;
    use edgefit::bench::worker::{Ready, Round, WarmUp};

    use super::*;

    #[test]
    fn an_emulator_is_given_no_times() {
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
        let json = |emulated| {
            let result = BenchResult::of(&candidate, &measured, emulated);
            serde_json::to_value(result).unwrap()
        };
        let times = |result: &serde_json::Value| -> Vec<String> {
            let fields = result.as_object().unwrap().iter();
            let told = fields.filter(|(name, value)| {
                let empty = value.as_array().is_some_and(Vec::is_empty);
                name.ends_with("_ns") && !value.is_null() || name.as_str() == "launches" && !empty
            });
            told.map(|(name, _)| name.clone()).collect()
        };
        assert!(!times(&json(false)).is_empty());
        let emulated = json(true);
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
        let found = named(&[launch(4), launch(6)], &times);
        let outlier = |launch, run, ns| Outlier { launch, run, ns };
        assert_eq!(found, [outlier(2, 6, 90), outlier(2, 1, 30)]);
    }
}
