//! How frozen models are run.

use edgefit_engine::{Engine, EngineName};
use edgefit_graph::Graph;

use crate::error::Result;
use crate::observer::Observer;

/// In which engine a frozen model runs, and who is told how far it is.
pub struct Inference<'o> {
    /// The engine.
    pub engine: EngineName,
    /// Threads of the engine.
    pub threads: usize,
    /// Samples at a time.
    pub batch: usize,
    /// Is told of the progress.
    pub observer: &'o mut dyn Observer,
}

impl Inference<'_> {
    /// The model in the engine.
    pub(crate) fn load(&self, graph: &Graph) -> Result<Box<dyn Engine>> {
        Ok(edgefit_engine::load(self.engine, graph, self.threads)?)
    }
}
