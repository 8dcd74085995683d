//! [`Teacher`]: a model whose answers are part of the targets.

use edgefit_burn::{Backend, EvalModule, Value};
use edgefit_graph::Graph;

use crate::error::Result;
use crate::prepare::targets::Targets;
use crate::stages::training::inputs::first_output;

/// A model that sees the same inputs as the one that is trained, and whose answers are part of the targets.
pub struct Teacher {
    module: EvalModule,
    share: f32,
}

impl Teacher {
    /// `graph` from the inputs to logits; its answers make a `share` of the targets.
    ///
    /// # Errors
    /// burn cannot run the graph.
    pub fn new(graph: &Graph, share: f64, backend: Backend) -> Result<Self> {
        Ok(Teacher {
            module: EvalModule::from_graph(graph, &backend.device()?)?,
            share: share as f32,
        })
    }

    /// `targets` with its share of what it says of `inputs`.
    pub(crate) fn taught(&self, targets: Targets, inputs: Vec<Value>) -> Result<Targets> {
        let outputs = first_output(self.module.forward(inputs)?, targets.outputs)?;
        let outputs = Value::from(outputs).to_vec()?;
        Ok(targets.taught(&outputs, self.share))
    }
}
