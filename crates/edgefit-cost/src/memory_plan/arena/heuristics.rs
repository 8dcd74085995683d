//! Greedy plans: every buffer in turn into a gap, in several orders.

use std::cmp::Reverse;

use super::bound::lower_bound;
use super::plan::{Best, Goal};
use super::problem::{Item, Problem};
use super::skyline::Skyline;

/// Pairs of buffers that may be looked at, over all heuristics: what keeps large graphs quick.
const WORK: u64 = 20_000_000;

/// Orders in which buffers are placed, the most promising first.
///
/// By size: Pisarchyk & Lee 2020 (arXiv 2001.03288); the fullest section first is close to their
/// order by breadth. Area and duration as keys: Moffitt 2023 (MiniMalloc, ASPLOS).
const ORDERS: [fn(&Item, u64) -> Rank; 6] = [
    |item, _| (item.size, item.duration, 0),
    |item, _| (area(item), item.size, 0),
    |item, fullest| (fullest, item.size, item.duration),
    |item, fullest| (fullest, item.duration, item.size),
    |item, _| (item.duration, item.size, 0),
    // As the run meets them.
    |item, _| (u64::MAX - item.span.start as u64, item.size, 0),
];

/// What an order compares, the greatest first.
type Rank = (u64, u64, u64);

/// Which of the gaps that hold a buffer it takes.
#[derive(Clone, Copy)]
enum Fit {
    /// The smallest.
    Best,
    /// The lowest.
    First,
}

/// Steps times units.
pub(super) fn area(item: &Item) -> u64 {
    item.size.saturating_mul(item.duration)
}

/// The best of several greedy plans, or the first that settles `goal`.
pub(super) fn greedy(problem: &Problem, neighbours: Option<&[Vec<u32>]>, goal: Goal) -> Best {
    let fullest = fullest_sections(problem);
    let pairs = neighbours.map_or(0, |lists| lists.iter().map(Vec::len).sum());
    let mut best = Best {
        offsets: Vec::new(),
        peak_bytes: u64::MAX,
        lower_bound_bytes: lower_bound(problem),
        work: 0,
    };
    for rank in ORDERS {
        let mut order: Vec<usize> = (0..problem.items.len()).collect();
        order.sort_by_key(|&item| (Reverse(rank(&problem.items[item], fullest[item])), item));
        for fit in [Fit::Best, Fit::First] {
            let offsets = match neighbours {
                Some(neighbours) => into_gaps(problem, neighbours, &order, fit),
                None => on_top(problem, &order),
            };
            let peak = peak_bytes(problem, &offsets);
            if peak < best.peak_bytes || best.offsets.is_empty() {
                best.offsets = offsets;
                best.peak_bytes = peak;
            }
            best.work += (pairs + problem.items.len()) as u64;
            if best.work > WORK || goal.settled(best.peak_bytes, best.lower_bound_bytes) {
                return best;
            }
        }
    }
    best
}

/// End of the topmost buffer in bytes.
pub(super) fn peak_bytes(problem: &Problem, offsets: &[u64]) -> u64 {
    problem
        .items
        .iter()
        .zip(offsets)
        .map(|(item, offset)| {
            let start = offset.saturating_mul(problem.unit);
            start.saturating_add(item.bytes)
        })
        .max()
        .unwrap_or(0)
}

/// Every buffer in turn into a gap between those placed before it.
fn into_gaps(problem: &Problem, neighbours: &[Vec<u32>], order: &[usize], fit: Fit) -> Vec<u64> {
    let items = &problem.items;
    let mut offsets = vec![None; items.len()];
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for &item in order {
        let size = items[item].size;
        taken.clear();
        taken.extend(neighbours[item].iter().filter_map(|&other| {
            let other = other as usize;
            offsets[other].map(|from: u64| (from, from.saturating_add(items[other].size)))
        }));
        taken.sort_unstable();
        let mut end = 0;
        let mut best: Option<(u64, u64)> = None;
        for &(from, to) in &taken {
            let gap = from.saturating_sub(end);
            if gap >= size && best.is_none_or(|(smallest, _)| gap < smallest) {
                best = Some((gap, end));
                if matches!(fit, Fit::First) {
                    break;
                }
            }
            end = end.max(to);
        }
        offsets[item] = Some(best.map_or(end, |(_, offset)| offset));
    }
    offsets.into_iter().map(Option::unwrap_or_default).collect()
}

/// Every buffer in turn on top of those placed before it, gaps left as they are.
fn on_top(problem: &Problem, order: &[usize]) -> Vec<u64> {
    let mut skyline = Skyline::new(problem.sections);
    let mut offsets = vec![0; problem.items.len()];
    for &item in order {
        let Item { span, size, .. } = &problem.items[item];
        offsets[item] = skyline.highest(span);
        skyline.raise(span, offsets[item].saturating_add(*size));
    }
    offsets
}

/// For each item, the units alive in the fullest section that it spans.
fn fullest_sections(problem: &Problem) -> Vec<u64> {
    let mut dying = vec![0u64; problem.sections + 1];
    let mut coming = vec![0u64; problem.sections + 1];
    for Item { span, size, .. } in &problem.items {
        coming[span.start] = coming[span.start].saturating_add(*size);
        dying[span.end] = dying[span.end].saturating_add(*size);
    }
    let mut skyline = Skyline::new(problem.sections);
    let mut alive = 0u64;
    for section in 0..problem.sections {
        alive = alive
            .saturating_sub(dying[section])
            .saturating_add(coming[section]);
        skyline.raise(&(section..section + 1), alive);
    }
    problem
        .items
        .iter()
        .map(|item| skyline.highest(&item.span))
        .collect()
}
