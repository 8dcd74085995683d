//! ONNX Runtime: finding its library, and running models in it.
//!
//! The library is loaded at run time, so that edgefit builds and works without it. Everything in
//! the `ort` crate, its errors included, may only be touched once [`discover()`] has loaded one.

pub(crate) mod discover;
mod profile;
mod saturation;
mod tensors;

use edgefit_graph::Graph;
use ort::ep::{CUDA, ExecutionProvider};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use crate::array::Array;
use crate::backend::{Backend, Options, Runner, Source};
use crate::effort::Effort;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::execution::Execution;
use crate::node_times::NodeTime;
use crate::provider::Provider;
use crate::words::one_line;
use tensors::{array, tensors};

pub use discover::{Found, LIBRARY_VARIABLE, Missing, discover, found, libraries};
pub use saturation::{adds_pairs_in_16_bits, saturation};

const NAME: EngineName = EngineName::OnnxRuntime;

/// `graph` as ONNX Runtime runs it on this processor, its nodes fused.
///
/// # Errors
/// ONNX Runtime is not there, does not run it, or writes what cannot be read.
pub(crate) fn optimized(graph: &Graph) -> Result<Graph> {
    let fail = |detail: String| Error::run(NAME, format!("its optimised model: {detail}"));
    let folder = tempfile::tempdir().map_err(|error| fail(error.to_string()))?;
    let path = folder.path().join("optimized.onnx");
    let options = Options {
        optimized: Some(&path),
        ..Options::new(1, Provider::Cpu)
    };
    OnnxRuntime::load(Source::Graph(graph), options)?;
    Graph::load(&path).map_err(|error| fail(error.to_string()))
}

/// A model in ONNX Runtime.
pub(crate) struct OnnxRuntime(Session);

impl Backend for OnnxRuntime {
    fn load(source: Source, options: Options) -> Result<Self> {
        let found = discover::loaded()?;
        if options.provider == Provider::Cuda && !CUDA::is_available().unwrap_or(false) {
            return Err(Error::NoCuda {
                reason: format!("{} was built without it", found.path.display()),
            });
        }
        let load = || -> ort::Result<Session> {
            let builder = Session::builder(found.environment())?;
            let builder = builder.with_intra_threads(options.threads.max(1))?;
            // What it has to say comes back as an error; its log would say it twice, in colours.
            let builder = builder.with_log_level(LogLevel::Fatal)?;
            // Spinning threads would take the cores from decoding and from neighbours.
            let mut builder = builder.with_intra_op_spinning(false)?;
            builder = match options.execution {
                Execution::Fused => builder,
                Execution::Exact => builder.with_config_entry("session.x64quantprecision", "1")?,
                Execution::NodeByNode => {
                    builder.with_optimization_level(GraphOptimizationLevel::Disable)?
                }
            };
            if options.provider == Provider::Cuda {
                let cuda = CUDA::default().build().error_on_failure();
                builder = builder.with_execution_providers([cuda])?;
            }
            if let Some(profile) = options.profile {
                builder = builder.with_profiling(profile)?;
            }
            if let Some(path) = options.optimized {
                builder = builder.with_optimized_model_path(path)?;
            }
            match source {
                Source::Graph(graph) => builder.commit_from_memory(&graph.to_bytes()),
                Source::File(path) => builder.commit_from_file(path),
            }
        };
        load()
            .map(OnnxRuntime)
            .map_err(|error| match options.provider {
                // Such as a library of CUDA that is not found, or no GPU: its words name it.
                Provider::Cuda if error.message().to_lowercase().contains("cuda") => {
                    Error::NoCuda {
                        reason: one_line(error.message()),
                    }
                }
                _ => Error::load(NAME, error),
            })
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let mut run = || -> ort::Result<Vec<Array>> {
            let inputs = tensors(&self.0, inputs)?;
            let outputs = self.0.run(inputs.as_slice())?;
            outputs.values().map(|output| array(&output)).collect()
        };
        run().map_err(|error| Error::run(NAME, error))
    }

    fn repeat(mut self, inputs: &[Array]) -> Result<Runner> {
        let tensors = tensors(&self.0, inputs).map_err(|error| Error::run(NAME, error))?;
        Ok(Box::new(move || {
            let ran = self.0.run(tensors.as_slice());
            ran.map(drop).map_err(|error| Error::run(NAME, error))
        }))
    }

    fn time_nodes(
        graph: &Graph,
        inputs: &[Array],
        options: Options,
        effort: Effort,
    ) -> Result<Vec<NodeTime>> {
        let fail = |detail: String| Error::run(NAME, format!("its profile: {detail}"));
        let folder = tempfile::tempdir().map_err(|error| fail(error.to_string()))?;
        let profile = folder.path().join("profile");
        let options = Options {
            profile: Some(&profile),
            ..options
        };
        let mut timed = OnnxRuntime::load(Source::Graph(graph), options)?;
        effort.spend(|| timed.run(inputs).map(drop))?;
        let written = timed
            .0
            .end_profiling()
            .map_err(|error| Error::run(NAME, error))?;
        profile::node_times(written.as_ref()).map_err(fail)
    }
}
