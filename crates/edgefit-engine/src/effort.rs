//! How long something is run to be timed.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How often and how long a model is run; both have to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Runs that count, at least.
    pub runs: usize,
    /// Time of the runs that count, at least.
    pub time: Duration,
}

impl Effort {
    /// Calls `run` once to warm up, then until the effort is spent; the times of the calls in
    /// nanoseconds, sorted.
    pub(crate) fn spend<E>(self, mut run: impl FnMut() -> Result<(), E>) -> Result<Vec<u64>, E> {
        run()?;
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.len() < self.runs || begun.elapsed() < self.time {
            let start = Instant::now();
            run()?;
            times.push(start.elapsed().as_nanos() as u64);
        }
        times.sort_unstable();
        Ok(times)
    }
}
