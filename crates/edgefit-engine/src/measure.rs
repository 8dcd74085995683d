//! What loading and running a model takes of time and memory, measured in this process.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::array::Array;
#[cfg(feature = "burn")]
use crate::burn;
use crate::contain::contain;
use crate::error::{Error, Result};
use crate::heap::give_back;
use crate::trace::Effort;
use crate::{EngineName, Target, onnxruntime, tract};

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

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// Now.
    pub now_bytes: u64,
    /// The most so far.
    pub peak_bytes: u64,
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
/// The peak of memory is that of the whole process: call this in a process of its own.
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

/// One run of a loaded model on fixed inputs, its results thrown away.
pub type Runner = Box<dyn FnMut() -> Result<()>>;

/// Loads the model at `path` the way the engine does it by itself, to be run on `inputs` again and
/// again. Engines follow the paths of external weights wherever they lead; `Graph::load` refuses
/// those that lead out of the model's folder.
///
/// # Errors
/// The engine is not there or cannot load the model.
pub fn runner(target: Target, path: &Path, inputs: &[Array], threads: usize) -> Result<Runner> {
    let engine = target.engine;
    let load = || match engine {
        #[cfg(feature = "burn")]
        EngineName::Burn => burn::runner(path, inputs),
        EngineName::Tract => tract::runner(path, inputs, threads),
        EngineName::OnnxRuntime => onnxruntime::runner(path, inputs, threads, target.provider),
    };
    let loaded = contain(|| give_back(load)).map_err(|panic| Error::load(engine, panic))?;
    let mut run = loaded?;
    Ok(Box::new(move || {
        contain(&mut run).map_err(|panic| Error::run(engine, panic))?
    }))
}

impl Resident {
    /// That of this process, where the system says: `VmRSS` and `VmHWM` in Linux's
    /// `/proc/self/status`, since `getrusage` starts from what the parent had at the fork.
    pub fn of_process() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes * 1024)
        };
        Some(Resident {
            now_bytes: bytes("VmRSS:")?,
            peak_bytes: bytes("VmHWM:")?,
        })
    }
}

/// Most memory that this process has ever had resident, in bytes; see [`Resident::of_process`].
pub fn peak_rss_bytes() -> Option<u64> {
    Resident::of_process().map(|resident| resident.peak_bytes)
}
