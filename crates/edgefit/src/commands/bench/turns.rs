use edgefit::bench::compare::paired;
use edgefit::engine::Provider;

use super::report::{Basis, BenchResult, Compared, LaunchFigures};

/// Share of the time on the clock that a process has to lose to others for its time on the processor
/// to say more.
const LOST: f64 = 0.02;

/// Each result but the first against it, turn by turn.
pub fn against_first(results: &[BenchResult]) -> Vec<Compared> {
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
        Some(Compared {
            candidate: other.label.clone(),
            reference: first.label.clone(),
            interleaved: true,
            basis,
            ratio: paired(&pairs)?,
        })
    };
    others.iter().filter_map(compare).collect()
}

/// Where other programs took the core, the clock says more of them than of two models. On one thread
/// of the CPU, what a run takes of the processor is what it takes of the clock on a machine of its
/// own; on several threads it is not.
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
    match both.iter().all(|one| alone(one) && known(one)) && both.iter().any(|one| lost(one)) {
        true => Basis::ProcessorTime,
        false => Basis::Time,
    }
}
