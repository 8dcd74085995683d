//! What a plan is for, how long to search for it, and what comes out.

use std::time::Duration;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// As few bytes as possible.
    Smallest,
    /// Any plan of at most this many bytes.
    Within(u64),
}

/// How long to search for what the greedy plans miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchLimits {
    /// Changes made to plans in trial: offsets and floors raised. The same number gives the same
    /// plan everywhere, unless `time` ends the search first.
    pub work: u64,
    /// Wall-clock time.
    pub time: Duration,
}

/// Where buffers lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// First byte of each buffer, in the order of the lifetimes.
    pub offsets: Vec<u64>,
    /// End of the topmost buffer. [`u64::MAX`] when sizes add up to more than that.
    pub peak_bytes: u64,
    /// No plan is known to need less: at least the most that is alive at once, aligned.
    pub lower_bound_bytes: u64,
    /// Whether more search would change nothing: the peak is the smallest there is or, of a plan
    /// [`Goal::Within`] a capacity, whether there is one is certain.
    pub proved: bool,
    /// Work that was done: pairs of buffers compared by the greedy plans, and changes made by the
    /// search, as [`SearchLimits::work`] counts them.
    pub work: u64,
}

impl SearchLimits {
    /// For plans made in passing: some hundredths of a second where greedy plans miss the bound.
    pub const QUICK: SearchLimits = SearchLimits {
        work: 300_000,
        time: Duration::from_secs(1),
    };
}

/// Enough for the instances published with MiniMalloc, in a few seconds.
impl Default for SearchLimits {
    fn default() -> Self {
        SearchLimits {
            work: 80_000_000,
            time: Duration::from_secs(10),
        }
    }
}

impl Goal {
    /// Whether a plan of `peak` bytes is all that is asked for, or all that `bound` leaves open.
    pub(super) fn settled(self, peak: u64, bound: u64) -> bool {
        match self {
            Goal::Smallest => peak <= bound,
            Goal::Within(capacity) => fits(peak, capacity) || bound > capacity,
        }
    }
}

impl Plan {
    /// Whether the plan stays within `capacity` bytes.
    pub fn fits(&self, capacity: u64) -> bool {
        fits(self.peak_bytes, capacity)
    }
}

/// A peak of [`u64::MAX`] stands for more than can be counted, and fits nowhere.
fn fits(peak: u64, capacity: u64) -> bool {
    peak <= capacity && peak < u64::MAX
}

/// The best plan so far.
pub(super) struct Best {
    /// In units, one for each item.
    pub offsets: Vec<u64>,
    pub peak_bytes: u64,
    pub lower_bound_bytes: u64,
    /// As [`Plan::work`].
    pub work: u64,
}
