//! Search below the best greedy plan, in passes of growing effort.

use std::time::Instant;

use super::heuristics::peak_bytes;
use super::plan::{Best, Goal, SearchLimits};
use super::problem::{Item, Problem};
use super::search::{Outcome, Search};

/// Looks for plans below `best`, and for proof that there are none, until `goal` is settled or
/// `limits` are spent.
///
/// Every pass tries the bound first and then halves the distance to the best plan, with less work
/// for each of those heights; the next pass has several times as much.
pub(super) fn improve(
    problem: &Problem,
    neighbours: &[Vec<u32>],
    goal: Goal,
    limits: SearchLimits,
    best: &mut Best,
) {
    let unit = problem.unit;
    let unpadded = |item: &Item| item.bytes == item.size * unit;
    let step = if problem.items.iter().all(unpadded) {
        unit
    } else {
        1
    };
    let mut search = Search::new(problem, neighbours, Instant::now().checked_add(limits.time));
    let mut left = limits.work;
    let mut attempt = 500 * problem.items.len() as u64;
    while !goal.settled(best.peak_bytes, best.lower_bound_bytes) {
        let first = match goal {
            Goal::Smallest => best.lower_bound_bytes,
            Goal::Within(capacity) => capacity,
        };
        let (mut low, mut target) = (first, first);
        while low < best.peak_bytes {
            let share = if target == first { 1 } else { 8 };
            let before = left;
            let outcome = search.within(target, attempt / share, &mut left);
            best.work += before - left;
            low = target + unit;
            match outcome {
                Outcome::Found => {
                    best.offsets.copy_from_slice(search.offsets());
                    best.peak_bytes = peak_bytes(problem, &best.offsets);
                }
                Outcome::Impossible => {
                    best.lower_bound_bytes = (target + 1).next_multiple_of(step);
                }
                Outcome::Spent => {}
            }
            if left == 0 || search.out_of_time() {
                return;
            }
            if matches!(goal, Goal::Within(_)) {
                break;
            }
            target = low + best.peak_bytes.saturating_sub(low + 1) / unit / 2 * unit;
        }
        attempt = attempt.saturating_mul(3);
    }
}
