//! One side of a comparison: a model in an engine.

use edgefit_engine::{Array, Engine, Result};
use edgefit_graph::Graph;

/// A model in an engine.
pub struct Side<'a> {
    /// The model.
    pub graph: &'a Graph,
    /// The engine.
    pub engine: &'a mut dyn Engine,
}

impl Side<'_> {
    /// Runs another graph in this side's engine.
    pub(crate) fn run(&mut self, graph: &Graph, inputs: &[Array]) -> Result<Vec<Array>> {
        self.engine.load(graph)?;
        self.engine.run(inputs)
    }
}
