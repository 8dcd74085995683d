use std::collections::BTreeMap;

/// Blocks at least this large are mapped on their own, until one of them is freed (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`).
const FIRST_THRESHOLD: u64 = 128 << 10;

/// What the threshold grows to at most, on 64-bit systems.
const LAST_THRESHOLD: u64 = 32 << 20;

/// Where glibc's `malloc` puts large blocks, and with that how much of the process stays resident.
///
/// A freed block stays in the heap, and joins its free neighbours; a new one goes into the smallest
/// gap that holds it, else on top of the heap, or into a mapping of its own if it is larger than the
/// threshold. Freeing a mapping raises the threshold to its size. The heap gives memory back from its
/// top only.
#[derive(Debug)]
pub(super) struct Heap {
    /// Gaps by their start; the one that ends at `end` is the top.
    gaps: BTreeMap<u64, u64>,
    end: u64,
    mapped: u64,
    threshold: u64,
    /// Most bytes that were resident.
    pub resident: u64,
}

/// Where a block lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lies {
    Mapped,
    At(u64),
}

impl Default for Heap {
    fn default() -> Self {
        Heap {
            gaps: BTreeMap::new(),
            end: 0,
            mapped: 0,
            threshold: FIRST_THRESHOLD,
            resident: 0,
        }
    }
}

impl Heap {
    pub fn take(&mut self, bytes: u64) -> Lies {
        let is_top = |start: u64, length: u64| start + length == self.end;
        let fitting = self.gaps.iter().filter(|(_, length)| **length >= bytes);
        let best = fitting.min_by_key(|(start, length)| (is_top(**start, **length), **length));
        let best = best.map(|(&start, &length)| (start, length));
        let lies = match best {
            Some((start, length)) => {
                self.gaps.remove(&start);
                if length > bytes {
                    self.gaps.insert(start + bytes, length - bytes);
                }
                Lies::At(start)
            }
            None if bytes >= self.threshold => {
                self.mapped += bytes;
                Lies::Mapped
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
                Lies::At(start)
            }
        };
        self.resident = self.resident.max(self.end + self.mapped);
        lies
    }

    pub fn free(&mut self, lies: Lies, bytes: u64) {
        let Lies::At(mut start) = lies else {
            self.mapped -= bytes;
            if bytes > self.threshold && bytes <= LAST_THRESHOLD {
                self.threshold = bytes;
            }
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
        match start + length == self.end && length > 2 * self.threshold {
            true => self.end = start,
            false => {
                self.gaps.insert(start, length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_joined_and_given_back_from_the_top() {
        let mut heap = Heap::default();
        let blocks = [100, 50, 100].map(|kib| (heap.take(kib << 10), kib << 10));
        assert_eq!(heap.resident, 250 << 10);
        heap.free(blocks[0].0, blocks[0].1);
        // The gap is too small for this, and large enough for that.
        let (large, small) = (heap.take(120 << 10), heap.take(90 << 10));
        assert_eq!(heap.resident, 370 << 10);
        for (lies, bytes) in [(small, 90 << 10), blocks[1], blocks[2]] {
            heap.free(lies, bytes);
        }
        assert_eq!(heap.gaps.len(), 1);
        assert_eq!(heap.end, 370 << 10);
        heap.free(large, 120 << 10);
        assert_eq!(heap.end, 0);
    }

    #[test]
    fn large_blocks_are_mapped_until_one_is_freed() {
        let mut heap = Heap::default();
        let mapped = heap.take(8 << 20);
        assert_eq!(heap.end, 0);
        heap.free(mapped, 8 << 20);
        heap.take(7 << 20);
        assert_eq!((heap.end, heap.mapped), (7 << 20, 0));
        heap.take(64 << 20);
        assert_eq!((heap.end, heap.mapped), (7 << 20, 64 << 20));
        assert_eq!(heap.resident, 71 << 20);
    }
}
