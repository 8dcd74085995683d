use std::path::Path;

use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Value};
use edgefit_graph::Graph;
use edgefit_graph::rewrite::lift_constants;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::measure::Runner;
use crate::{Engine, EngineName};

const NAME: EngineName = EngineName::Burn;

/// A model in burn, in eval mode. Its threads are rayon's, as many as the process may use.
pub(crate) struct Burn(EvalModule);

impl Burn {
    pub fn load(graph: &Graph) -> Result<Self> {
        let module = EvalModule::from_graph(graph, &Device::flex());
        module.map(Burn).map_err(|error| Error::load(NAME, error))
    }
}

/// burn's own way from a file to a module.
pub(crate) fn runner(path: &Path, inputs: &[Array]) -> Result<Runner> {
    let mut graph = Graph::load(path)?;
    lift_constants(&mut graph);
    let mut loaded = Burn::load(&graph)?;
    let inputs = inputs.to_vec();
    Ok(Box::new(move || loaded.run(&inputs).map(drop)))
}

impl Engine for Burn {
    fn name(&self) -> EngineName {
        NAME
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let fail = |error: String| Error::run(NAME, error);
        let values = inputs
            .iter()
            .map(|input| Value::new(input.values.clone(), &input.dims, self.0.device()))
            .collect::<Result<_, _>>()
            .map_err(fail)?;
        let outputs = self
            .0
            .forward(values)
            .map_err(|error| fail(error.to_string()))?;
        outputs
            .iter()
            .map(|output| {
                Ok(Array {
                    dims: output.dims(),
                    values: output.to_vec().map_err(|error| fail(error.to_string()))?,
                })
            })
            .collect()
    }
}
