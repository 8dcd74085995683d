//! A model of where glibc's `malloc` puts large blocks.

use std::collections::BTreeMap;

/// Blocks at least this large are mapped on their own (`mallopt(3)`, `M_MMAP_THRESHOLD`): the most that
/// glibc raises it to, and what `edgefit` sets it to.
const THRESHOLD: u64 = 32 << 20;

/// The heap of a process, as far as large blocks decide how much of it stays resident.
///
/// A freed block stays in the heap, and joins its free neighbours; a new one goes into the smallest
/// gap that holds it, else on top of the heap, or into a mapping of its own if it is larger than the
/// threshold. The heap gives memory back from its top only.
#[derive(Debug, Default)]
pub(super) struct GlibcHeap {
    /// Gaps by their start; the one that ends at `end` is the top.
    gaps: BTreeMap<u64, u64>,
    end: u64,
    mapped: u64,
    /// Most bytes that were resident.
    pub resident: u64,
}

/// Where a block lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum BlockStart {
    /// In a mapping of its own.
    Mapped,
    /// At this offset in the heap.
    Offset(u64),
}

impl GlibcHeap {
    pub fn allocate(&mut self, bytes: u64) -> BlockStart {
        let is_top = |start: u64, length: u64| start + length == self.end;
        let fitting = self.gaps.iter().filter(|(_, length)| **length >= bytes);
        let best = fitting.min_by_key(|(start, length)| (is_top(**start, **length), **length));
        let best = best.map(|(&start, &length)| (start, length));
        let block = match best {
            Some((start, length)) => {
                self.gaps.remove(&start);
                if length > bytes {
                    self.gaps.insert(start + bytes, length - bytes);
                }
                BlockStart::Offset(start)
            }
            None if bytes >= THRESHOLD => {
                self.mapped += bytes;
                BlockStart::Mapped
            }
            None => {
                let top = self.gaps.last_key_value();
                let top = top.map(|(&start, &length)| (start, length));
                let start = match top.filter(|&(start, length)| start + length == self.end) {
                    Some((start, _)) => {
                        self.gaps.remove(&start);
                        start
                    }
                    None => self.end,
                };
                self.end = start + bytes;
                BlockStart::Offset(start)
            }
        };
        self.resident = self.resident.max(self.end + self.mapped);
        block
    }

    pub fn free(&mut self, block: BlockStart, bytes: u64) {
        let BlockStart::Offset(mut start) = block else {
            self.mapped -= bytes;
            return;
        };
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
        // The top is given back when it is twice the threshold.
        if start + length == self.end && length > 2 * THRESHOLD {
            self.end = start
        } else {
            self.gaps.insert(start, length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_joined_and_given_back_from_the_top() {
        let mut heap = GlibcHeap::default();
        let blocks = [20, 10, 20].map(|mib| (heap.allocate(mib << 20), mib << 20));
        assert_eq!(heap.resident, 50 << 20);
        heap.free(blocks[0].0, blocks[0].1);
        // The gap is too small for this, and large enough for that.
        let (large, small) = (heap.allocate(24 << 20), heap.allocate(18 << 20));
        assert_eq!(heap.resident, 74 << 20);
        for (block, bytes) in [(small, 18 << 20), blocks[1], blocks[2]] {
            heap.free(block, bytes);
        }
        assert_eq!(heap.gaps.len(), 1);
        assert_eq!(heap.end, 74 << 20);
        heap.free(large, 24 << 20);
        assert_eq!(heap.end, 0);
    }

    #[test]
    fn large_blocks_are_mapped_on_their_own() {
        let mut heap = GlibcHeap::default();
        let mapped = heap.allocate(40 << 20);
        assert_eq!((heap.end, heap.mapped), (0, 40 << 20));
        heap.free(mapped, 40 << 20);
        heap.allocate(7 << 20);
        assert_eq!((heap.end, heap.mapped), (7 << 20, 0));
        assert_eq!(heap.resident, 40 << 20);
    }
}
