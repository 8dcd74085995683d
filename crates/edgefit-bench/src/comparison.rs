//! Candidates that took turns, compared with the first of them.

use edgefit_engine::Provider;
use serde::Serialize;

use crate::ratio::{Ratio, paired};
use crate::result::{BenchResult, LaunchFigures};

/// Share of the time on the clock that a process has to lose to others for its time on the processor
/// to say more.
const LOST: f64 = 0.02;

/// A candidate against a reference.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The candidate, in a line.
    pub candidate: String,
    /// What it is compared with, in a line.
    pub reference: String,
    /// Whether they took turns.
    pub interleaved: bool,
    /// What the ratio is of.
    pub basis: Basis,
    /// The candidate's time by the reference's.
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

impl Comparison {
    /// Both, in a line.
    pub fn label(&self) -> String {
        format!("{} against {}", self.candidate, self.reference)
    }
}

/// Each result but the first against it, turn by turn.
pub fn against_first(results: &[BenchResult]) -> Vec<Comparison> {
    let Some((first, others)) = results.split_first() else {
        return Vec::new();
    };
    let compare = |other: &BenchResult| {
        let basis = basis(first, other);
        let of: fn(&LaunchFigures) -> &[u64] = match basis {
            Basis::Time => |launch| &launch.round_p50_ns,
            Basis::ProcessorTime => |launch| &launch.round_processor_ns,
        };
        let launches = first.launches.iter().zip(&other.launches);
        let pairs: Vec<Vec<(u64, u64)>> = launches
            .map(|(a, b)| of(a).iter().copied().zip(of(b).iter().copied()).collect())
            .collect();
        Some(Comparison {
            candidate: other.label.clone(),
            reference: first.label.clone(),
            interleaved: true,
            basis,
            ratio: paired(&pairs)?,
        })
    };
    others.iter().filter_map(compare).collect()
}

/// Processor time where other programs took the core, else time on the clock. On one thread of the CPU,
/// a run takes as much processor time as it takes time on the clock of a machine that runs nothing
/// else; on several threads it does not.
fn basis(a: &BenchResult, b: &BenchResult) -> Basis {
    let alone = |one: &BenchResult| one.threads == 1 && one.provider == Provider::Cpu;
    let known = |one: &BenchResult| {
        let mut launches = one.launches.iter();
        launches.all(|launch| launch.round_processor_ns.len() == launch.round_p50_ns.len())
    };
    let lost = |one: &BenchResult| {
        let sum = |of: fn(&LaunchFigures) -> &[u64]| -> u64 {
            one.launches
                .iter()
                .flat_map(|launch| of(launch).iter())
                .sum()
        };
        let clock = sum(|launch| &launch.round_p50_ns) as f64;
        clock - sum(|launch| &launch.round_processor_ns) as f64 > LOST * clock
    };
    let both = [a, b];
    if both.iter().all(|one| alone(one) && known(one)) && both.iter().any(|one| lost(one)) {
        Basis::ProcessorTime
    } else {
        Basis::Time
    }
}
