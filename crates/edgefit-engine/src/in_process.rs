//! An engine in this process.

use edgefit_graph::Graph;

use crate::array::Array;
use crate::engine::Engine;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::execution::Execution;
use crate::load::{Loaded, load_as};

/// An engine in this process. A panic is an error; a crash ends the process.
pub struct InProcess {
    name: EngineName,
    threads: usize,
    execution: Execution,
    loaded: Option<Loaded>,
}

impl InProcess {
    /// `name` with `threads` threads, nothing loaded.
    pub fn new(name: EngineName, threads: usize) -> Self {
        InProcess {
            name,
            threads,
            execution: Execution::Fused,
            loaded: None,
        }
    }

    /// The same, that runs models as `execution` says.
    pub fn with_execution(self, execution: Execution) -> Self {
        InProcess { execution, ..self }
    }
}

impl Engine for InProcess {
    fn name(&self) -> EngineName {
        self.name
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        self.loaded = Some(load_as(self.name, graph, self.threads, self.execution)?);
        Ok(())
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        match &mut self.loaded {
            Some(loaded) => loaded.run(inputs),
            None => Err(Error::run(self.name, "no model was loaded")),
        }
    }
}
