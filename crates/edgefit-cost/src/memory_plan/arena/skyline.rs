//! Heights over sections of time that only grow.

use std::ops::Range;

/// A height over every section, which only ever grows: a segment tree without propagation.
pub(super) struct Skyline {
    leaves: usize,
    /// Greatest height in the subtree of each node.
    highest: Vec<u64>,
    /// Height that the whole subtree of each node has at least.
    floor: Vec<u64>,
}

impl Skyline {
    /// Height 0 everywhere.
    pub fn new(sections: usize) -> Self {
        let leaves = sections.max(1).next_power_of_two();
        Skyline {
            leaves,
            highest: vec![0; 2 * leaves],
            floor: vec![0; 2 * leaves],
        }
    }

    /// Greatest height over `span`.
    pub fn highest(&self, span: &Range<usize>) -> u64 {
        let (mut left, mut right) = (span.start + self.leaves, span.end + self.leaves);
        if left >= right {
            return 0;
        }
        let mut height = self.above(left).max(self.above(right - 1));
        while left < right {
            if left % 2 == 1 {
                height = height.max(self.highest[left]);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                height = height.max(self.highest[right]);
            }
            left /= 2;
            right /= 2;
        }
        height
    }

    /// Makes every height over `span` at least `height`.
    pub fn raise(&mut self, span: &Range<usize>, height: u64) {
        let (mut left, mut right) = (span.start + self.leaves, span.end + self.leaves);
        while left < right {
            if left % 2 == 1 {
                self.lift(left, height);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                self.lift(right, height);
            }
            left /= 2;
            right /= 2;
        }
    }

    fn lift(&mut self, mut node: usize, height: u64) {
        self.floor[node] = self.floor[node].max(height);
        while node > 0 {
            self.highest[node] = self.highest[node].max(height);
            node /= 2;
        }
    }

    /// Floor of the nodes above `node`.
    fn above(&self, mut node: usize) -> u64 {
        let mut floor = 0;
        while node > 0 {
            floor = floor.max(self.floor[node]);
            node /= 2;
        }
        floor
    }
}
