//! A model of where glibc's `malloc` puts large blocks.

use std::collections::BTreeMap;

/// The heap of a process, as far as large blocks decide how much of it stays resident.
///
/// A freed block stays in the heap, and joins its free neighbours; a new one goes into the smallest
/// gap that holds it, else on top of the heap. No block is mapped on its own, and nothing is given back to the
/// system: so `edgefit` sets it (`mallopt(3)`, `M_MMAP_MAX` and `M_TRIM_THRESHOLD`).
#[derive(Debug, Default)]
pub(super) struct GlibcHeap {
    /// Gaps by their start; the one that ends at `resident` is the top.
    gaps: BTreeMap<u64, u64>,
    /// Bytes of the heap, all of which were used once.
    pub resident: u64,
}

impl GlibcHeap {
    /// Where a block of so many bytes begins.
    pub fn allocate(&mut self, bytes: u64) -> u64 {
        let is_top = |start: u64, length: u64| start + length == self.resident;
        let fitting = self.gaps.iter().filter(|(_, length)| **length >= bytes);
        let best = fitting.min_by_key(|(start, length)| (is_top(**start, **length), **length));
        if let Some((&start, &length)) = best {
            self.gaps.remove(&start);
            if length > bytes {
                self.gaps.insert(start + bytes, length - bytes);
            }
            return start;
        }
        let top = self.gaps.last_key_value();
        let top = top.map(|(&start, &length)| (start, length));
        let start = match top.filter(|&(start, length)| is_top(start, length)) {
            Some((start, _)) => {
                self.gaps.remove(&start);
                start
            }
            None => self.resident,
        };
        self.resident = start + bytes;
        start
    }

    pub fn free(&mut self, mut start: u64, bytes: u64) {
        let mut length = bytes;
        if let Some(behind) = self.gaps.remove(&(start + length)) {
            length += behind;
        }
        let before = self.gaps.range(..start).next_back();
        if let Some((&other, &size)) = before.filter(|(other, size)| **other + **size == start) {
            self.gaps.remove(&other);
            start = other;
            length += size;
        }
        self.gaps.insert(start, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_joined_and_none_is_given_back() {
        let mut heap = GlibcHeap::default();
        let blocks = [20, 10, 20].map(|bytes| (heap.allocate(bytes), bytes));
        assert_eq!(heap.resident, 50);
        heap.free(blocks[0].0, blocks[0].1);
        // The gap is too small for this, and large enough for that.
        let (large, small) = (heap.allocate(24), heap.allocate(18));
        assert_eq!(heap.resident, 74);
        for (block, bytes) in [(small, 18), blocks[1], blocks[2]] {
            heap.free(block, bytes);
        }
        assert_eq!(heap.gaps.len(), 1);
        heap.free(large, 24);
        assert_eq!((heap.gaps.len(), heap.resident), (1, 74));
        // It grows by what its top lacks.
        heap.allocate(80);
        assert_eq!((heap.gaps.len(), heap.resident), (0, 80));
    }
}
