//! What loading and running a model takes of time and memory, measured in this process.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::array::Array;
use crate::effort::Effort;
use crate::engine_name::EngineName;
use crate::error::Result;
use crate::load::runner;
use crate::resident_memory::{Resident, peak_rss_bytes};

/// Time and memory of a model in one engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    /// From the file to a model that can run.
    pub load_ns: u64,
    /// The first run.
    pub first_ns: u64,
    /// The runs after it, shortest first.
    pub runs_ns: Vec<u64>,
    /// Most memory that this process has ever had resident; `None` where the system does not say.
    pub peak_rss_bytes: Option<u64>,
    /// What it had resident between loading and the first run.
    pub loaded: Option<Resident>,
}

impl Measurement {
    /// Time that half of the runs stay below.
    pub fn p50_ns(&self) -> u64 {
        self.runs_ns
            .get(self.runs_ns.len() / 2)
            .copied()
            .unwrap_or(self.first_ns)
    }
}

/// Loads the model at `path` the way the engine does it by itself and runs it on `inputs`.
///
/// The peak of memory is that of the whole process: call this in a process of its own, one that has
/// called [`return_memory_after_loading`](crate::malloc::return_memory_after_loading) if the figure is
/// to be compared with those of edgefit's own processes.
///
/// # Errors
/// The engine is not there, or cannot load or run the model.
pub fn measure(
    engine: EngineName,
    path: &Path,
    inputs: &[Array],
    threads: usize,
    effort: Effort,
) -> Result<Measurement> {
    let begun = Instant::now();
    let mut run = runner(engine.into(), path, inputs, threads)?;
    let load_ns = begun.elapsed().as_nanos() as u64;
    let loaded = Resident::of_process();
    let start = Instant::now();
    run()?;
    let first_ns = start.elapsed().as_nanos() as u64;
    Ok(Measurement {
        load_ns,
        first_ns,
        runs_ns: effort.spend(run)?,
        peak_rss_bytes: peak_rss_bytes(),
        loaded,
    })
}
