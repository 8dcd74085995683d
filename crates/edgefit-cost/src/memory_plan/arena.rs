//! The arena planner: an offset for every buffer, buffers alive together never overlapping.

mod bound;
mod heuristics;
mod improve;
mod plan;
mod problem;
mod search;
mod skyline;

use super::lifetime::Lifetime;
use problem::Problem;

pub use plan::{Goal, Plan, SearchLimits};

/// Gives every buffer of `lifetimes` an offset that is a multiple of `alignment` bytes.
///
/// Greedy plans first, which meet the lower bound on most networks; then, within `limits`, a search
/// for what they miss. Above [`Goal::Within`] a capacity that no plan was found for, the offsets are
/// those of the best plan that was met.
///
/// ```
/// use edgefit_cost::memory_plan::{Goal, Lifetime, SearchLimits, place};
///
/// let buffer = |name: &str, lower, upper, bytes| Lifetime {
///     name: name.into(),
///     lower,
///     upper,
///     bytes,
/// };
/// // `a` and `c` are never alive together, and share their bytes.
/// let buffers = [buffer("a", 0, 2, 64), buffer("b", 1, 3, 32), buffer("c", 2, 4, 64)];
/// let plan = place(&buffers, 16, Goal::Smallest, SearchLimits::QUICK);
/// assert_eq!(plan.peak_bytes, 96);
/// assert_eq!(plan.offsets[0], plan.offsets[2]);
/// assert!(plan.proved);
/// ```
pub fn place(lifetimes: &[Lifetime], alignment: u64, goal: Goal, limits: SearchLimits) -> Plan {
    let problem = Problem::new(lifetimes, alignment);
    let neighbours = problem.neighbours();
    let mut best = heuristics::greedy(&problem, neighbours.as_deref(), goal);
    if let Some(neighbours) = &neighbours
        && problem.searchable()
    {
        improve::improve(&problem, neighbours, goal, limits, &mut best);
    }
    let mut offsets = vec![0; lifetimes.len()];
    for (item, offset) in problem.items.iter().zip(&best.offsets) {
        offsets[item.index] = offset.saturating_mul(problem.unit);
    }
    Plan {
        offsets,
        peak_bytes: best.peak_bytes,
        lower_bound_bytes: best.lower_bound_bytes,
        proved: goal.settled(best.peak_bytes, best.lower_bound_bytes),
        work: best.work,
    }
}
