//! What burn, tract and ONNX Runtime each implement: load a model, run it, time it.

use std::path::Path;

use edgefit_graph::Graph;

use crate::array::Array;
use crate::effort::Effort;
use crate::error::Result;
use crate::execution::Execution;
use crate::node_times::NodeTime;
use crate::provider::Provider;

/// Where a model comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A graph in memory.
    Graph(&'a Graph),
    /// A file, read the way the engine does it by itself.
    File(&'a Path),
}

/// How a model is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    /// Threads of tract and ONNX Runtime; burn's are rayon's.
    pub threads: usize,
    /// The processor; ONNX Runtime alone knows another than the CPU.
    pub provider: Provider,
    /// The file that ONNX Runtime writes its profile to.
    pub profile: Option<&'a Path>,
    /// The file that it writes the model to as it runs it.
    pub optimized: Option<&'a Path>,
    /// Whether ONNX Runtime may fuse nodes.
    pub execution: Execution,
}

impl Options<'_> {
    /// Nodes fused, nothing written.
    pub fn new(threads: usize, provider: Provider) -> Self {
        Options {
            threads,
            provider,
            profile: None,
            optimized: None,
            execution: Execution::Fused,
        }
    }
}

/// One run of a loaded model on fixed inputs, its results thrown away.
pub type Runner = Box<dyn FnMut() -> Result<()>>;

/// A model in one of the engines.
pub(crate) trait Backend: Send {
    /// Loads a model.
    fn load(source: Source, options: Options) -> Result<Self>
    where
        Self: Sized;

    /// Its outputs for its inputs, both in the graph's order.
    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>>;

    /// The model with its inputs converted once, to be run again and again.
    fn repeat(self, inputs: &[Array]) -> Result<Runner>
    where
        Self: Sized;

    /// The median time of each node of the engine's own graph, in the order in which they ran.
    fn time_nodes(
        graph: &Graph,
        inputs: &[Array],
        options: Options,
        effort: Effort,
    ) -> Result<Vec<NodeTime>>
    where
        Self: Sized;
}
