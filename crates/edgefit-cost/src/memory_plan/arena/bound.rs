//! A lower bound of every plan.

use std::collections::BinaryHeap;

use super::problem::Problem;

/// Bytes below which no plan can stay: the most that is alive at once, where every buffer is
/// aligned but the topmost, which ends with its data.
pub(super) fn lower_bound(problem: &Problem) -> u64 {
    let mut by_start: Vec<_> = problem.items.iter().collect();
    by_start.sort_by_key(|item| item.span.start);
    let mut dying = vec![0u128; problem.sections + 1];
    let mut coming = by_start.into_iter().peekable();
    let mut alive = 0u128;
    // Padding bytes after the data of a buffer, and the section in which it is dead.
    let mut padding: BinaryHeap<(u128, usize)> = BinaryHeap::new();
    let mut bound = 0;
    for section in 0..problem.sections {
        alive -= dying[section];
        while let Some(item) = coming.next_if(|item| item.span.start == section) {
            let size = u128::from(item.size) * u128::from(problem.unit);
            alive += size;
            dying[item.span.end] += size;
            padding.push((size.saturating_sub(u128::from(item.bytes)), item.span.end));
        }
        while padding.peek().is_some_and(|&(_, end)| end <= section) {
            padding.pop();
        }
        let spared = padding.peek().map_or(0, |&(bytes, _)| bytes);
        bound = bound.max(alive - spared);
    }
    u64::try_from(bound).unwrap_or(u64::MAX)
}
