//! The engine room: one trait, three engines, and the comparison of what they compute.
//!
//! tract is always there; ONNX Runtime when its library is found, see [`onnxruntime::discover`];
//! burn behind the feature `burn`. Loading a model, running a batch, closing: that is all.

mod array;
#[cfg(feature = "burn")]
mod burn;
pub mod child;
mod contain;
mod error;
mod fixed_batch;
mod heap;
mod isolated;
mod measure;
pub mod onnxruntime;
pub mod parity;
mod target;
mod trace;
mod tract;

pub use array::Array;
pub use contain::contains_panics;
pub use error::{Error, Result};
pub use heap::keep_one_heap;
pub use isolated::{Executor, Isolated, Local, serve};
pub use measure::{Measurement, Resident, Runner, measure, peak_rss_bytes, runner};
pub use target::{Provider, Target};
pub use trace::{Effort, NodeTime, trace};

use contain::contain;
use edgefit_graph::Graph;
use fixed_batch::{FixedBatch, fixed_batch};
use heap::give_back;
use serde::{Deserialize, Serialize};

/// An inference engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The trainable executor, in eval mode.
    #[cfg(feature = "burn")]
    Burn,
    /// tract, in pure Rust.
    Tract,
    /// Microsoft's ONNX Runtime, loaded at run time.
    OnnxRuntime,
}

impl EngineName {
    /// All engines of this build.
    pub const ALL: &[EngineName] = &[
        #[cfg(feature = "burn")]
        EngineName::Burn,
        EngineName::Tract,
        EngineName::OnnxRuntime,
    ];
}

impl std::fmt::Display for EngineName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "burn")]
            EngineName::Burn => "burn",
            EngineName::Tract => "tract",
            EngineName::OnnxRuntime => "onnxruntime",
        })
    }
}

impl std::str::FromStr for EngineName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = EngineName::ALL
            .iter()
            .find(|engine| engine.to_string() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<String> = EngineName::ALL.iter().map(ToString::to_string).collect();
            format!("engine '{name}' is not one of {}", names.join(", "))
        })
    }
}

/// A model loaded into an engine.
pub trait Engine: Send {
    /// Which engine it is.
    fn name(&self) -> EngineName;

    /// The model's outputs for its inputs, both in the graph's order.
    ///
    /// # Errors
    /// Whatever the engine says of the inputs.
    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>>;
}

/// Loads `graph` into `engine`, to be run with `threads` threads.
///
/// A model with one input that was exported for a fixed batch size takes any number of samples.
///
/// # Errors
/// The engine is not there or cannot run the model.
pub fn load(engine: EngineName, graph: &Graph, threads: usize) -> Result<Box<dyn Engine>> {
    let load = || -> Result<Box<dyn Engine>> {
        Ok(match engine {
            #[cfg(feature = "burn")]
            EngineName::Burn => Box::new(burn::Burn::load(graph)?),
            EngineName::Tract => Box::new(tract::Tract::load(graph, threads)?),
            EngineName::OnnxRuntime => Box::new(onnxruntime::OnnxRuntime::load(graph, threads)?),
        })
    };
    let loaded = contain(|| give_back(load)).map_err(|panic| Error::load(engine, panic))??;
    Ok(Box::new(Contained(match fixed_batch(graph) {
        Some(batch) => Box::new(FixedBatch {
            engine: loaded,
            batch,
        }),
        None => loaded,
    })))
}

/// An engine whose panics are errors, and whose scalars have the shape `[1]`.
struct Contained(Box<dyn Engine>);

impl Engine for Contained {
    fn name(&self) -> EngineName {
        self.0.name()
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let ran = contain(|| self.0.run(inputs));
        let mut outputs = ran.map_err(|panic| Error::run(self.name(), panic))??;
        // Engines do not agree on how a scalar is shaped.
        for output in outputs.iter_mut().filter(|output| output.dims.is_empty()) {
            output.dims.push(1);
        }
        Ok(outputs)
    }
}

/// The fastest engine that is there: ONNX Runtime if its library was found, else tract.
pub fn fastest() -> EngineName {
    match onnxruntime::found() {
        Some(_) => EngineName::OnnxRuntime,
        None => EngineName::Tract,
    }
}
