//! Three inference engines behind one trait: [`Engine`] loads a graph and runs it, in this process
//! ([`InProcess`]) or in one of its own ([`child::ChildEngine`]), so that a crash is a result.
//!
//! tract is always there; ONNX Runtime when its library is found, see [`onnxruntime::discover()`];
//! burn behind the feature `burn`.

mod array;
mod array_file;
mod backend;
#[cfg(feature = "burn")]
mod burn;
pub mod child;
mod copies;
mod diagnosis;
mod effort;
mod engine;
mod engine_name;
mod error;
mod execution;
mod fixed_batch;
mod in_process;
mod integer_share;
mod load;
pub mod malloc;
mod measure;
mod node_times;
pub mod onnxruntime;
mod parallel;
mod provider;
mod resident_memory;
mod status;
mod tract;
mod words;

pub use array::{Array, random_arrays};
pub use backend::Runner;
pub use copies::{Copies, SideBySide};
pub use diagnosis::{Diagnosis, diagnose};
pub use effort::Effort;
pub use engine::Engine;
pub use engine_name::EngineName;
pub use error::{Error, Result};
pub use execution::Execution;
pub use fixed_batch::fixed_batch;
pub use in_process::InProcess;
pub use integer_share::{FloatNode, IntegerShare, integer_share};
pub use load::{Loaded, fastest, load, runner, trace};
pub use measure::{Measurement, measure};
pub use node_times::NodeTime;
pub use provider::{Provider, Target};
pub use resident_memory::{Resident, peak_rss_bytes, restart_peak_rss};
pub use status::Status;
