//! Finds samples whose hashes differ in few bits (multi-index hashing).

/// Most that flat images of one colour differ, the mean over pixels, in 0 … 255.
pub(super) const MOST_DIFFERENCE: f32 = 3.0;

/// Most that the mean brightness of flat images of one colour differs.
const FLAT_REACH: u8 = MOST_DIFFERENCE as u8;

/// Pieces that a hash is cut into, of 16 bits each.
const PIECES: usize = 4;

/// What an image is found by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// A perceptual hash.
    Hash(u64),
    /// The mean brightness of an image without any contrast.
    Flat(u8),
}

/// Samples under the pieces of their hashes, and flat ones under their brightness.
pub(super) struct Index {
    /// One for each value of each piece, then one for each brightness of flat images.
    buckets: Vec<Vec<usize>>,
}

impl Default for Index {
    fn default() -> Self {
        Index {
            buckets: vec![Vec::new(); (PIECES << 16) + 256],
        }
    }
}

impl Index {
    pub fn insert(&mut self, key: Key, sample: usize) {
        match key {
            Key::Hash(hash) => {
                for piece in 0..PIECES {
                    self.buckets[bucket(hash, piece)].push(sample);
                }
            }
            Key::Flat(mean) => self.buckets[flat(mean)].push(sample),
        }
    }

    /// All samples whose hash differs in seven bits at most, or whose brightness is near, and
    /// others; some more than once. Those of the same hash come first, in the order of insertion.
    pub fn near(&self, key: Key) -> impl Iterator<Item = usize> {
        let buckets: Vec<usize> = match key {
            Key::Hash(hash) => {
                let pieces = 0..PIECES;
                let one_off = |piece| (0..16).map(move |bit| bucket(hash, piece) ^ (1 << bit));
                let same = pieces.clone().map(|piece| bucket(hash, piece));
                same.chain(pieces.flat_map(one_off)).collect()
            }
            Key::Flat(mean) => {
                let near = mean.saturating_sub(FLAT_REACH)..=mean.saturating_add(FLAT_REACH);
                std::iter::once(mean).chain(near).map(flat).collect()
            }
        };
        buckets
            .into_iter()
            .flat_map(|bucket| self.buckets[bucket].iter().copied())
    }
}

fn bucket(hash: u64, piece: usize) -> usize {
    (piece << 16) | ((hash >> (16 * piece)) & 0xffff) as usize
}

fn flat(mean: u8) -> usize {
    (PIECES << 16) + usize::from(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_bits_anywhere_are_found_and_most_others_left_out() {
        let hash = 0x0123_4567_89ab_cdef_u64;
        let mut index = Index::default();
        // Bits spread over the pieces as evenly as they can be, which is the hardest case.
        let spread = |bits: usize, start: usize| {
            (0..bits).fold(hash, |hash, bit| {
                hash ^ (1 << ((bit * 16 + bit / 4 + start) % 64))
            })
        };
        let near: Vec<u64> = (0..64).map(|start| spread(7, start)).collect();
        let far: Vec<u64> = (0..64).map(|start| spread(8, start)).collect();
        for (sample, other) in near.iter().chain(&far).enumerate() {
            index.insert(Key::Hash(*other), sample);
        }
        let found: std::collections::BTreeSet<usize> = index.near(Key::Hash(hash)).collect();
        assert_eq!(found, (0..64).collect());
    }
}
