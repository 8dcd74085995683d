//! Work shared out among threads of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of each item, in their order, on at most `threads` threads.
///
/// They are not rayon's: while one of those waits for a part of its work, it may begin with another item, so
/// that work which waits for a lock could wait for itself.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut made = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return made;
            };
            made.push((index, work(item)));
        }
    };
    let mut made = thread::scope(|scope| {
        let others = 1..threads.min(items.len());
        let others: Vec<_> = others.map(|_| scope.spawn(share)).collect();
        let mut made = share();
        for other in others {
            match other.join() {
                Ok(more) => made.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_whatever_the_number_of_threads() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let made = map(&items, threads, |item| 2 * item);
            assert!(made.into_iter().eq(items.iter().map(|item| 2 * item)));
        }
        assert!(map(&[] as &[usize], 2, |item| *item).is_empty());
    }
}
