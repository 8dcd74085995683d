//! Models in burn, in eval mode.

use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Value};
use edgefit_graph::rewrite::lift_constants;
use edgefit_graph::{DataType, Graph, Tensor, ValueInfo, ValueType};

use crate::array::Array;
use crate::backend::{Backend, Options, Runner, Source};
use crate::effort::Effort;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::node_times::NodeTime;

const NAME: EngineName = EngineName::Burn;

/// A model in burn, in eval mode. Its threads are rayon's, as many as the process may use.
pub(crate) struct Burn {
    module: EvalModule,
    /// Element type of each input.
    inputs: Vec<DataType>,
}

impl Burn {
    fn of(graph: &Graph) -> Result<Self> {
        let module = EvalModule::from_graph(graph, &Device::flex());
        Ok(Burn {
            module: module.map_err(|error| Error::load(NAME, error))?,
            inputs: graph.free_inputs().map(input_type).collect(),
        })
    }

    /// Integers stay in the host's memory, where burn's executor reads them.
    fn value(&self, index: usize, input: &Array) -> Result<Value, String> {
        let dtype = self.inputs.get(index).copied().unwrap_or(DataType::F32);
        if dtype.is_float() {
            return Value::new(input.values.clone(), &input.dims, self.module.device());
        }
        let values: Vec<i64> = input.values.iter().map(|&value| value as i64).collect();
        Tensor::from_i64(dtype, input.dims.clone(), &values)
            .map(Value::Host)
            .ok_or_else(|| format!("{} values do not fill {:?}", values.len(), input.dims))
    }
}

fn input_type(input: &ValueInfo) -> DataType {
    match input.ty {
        ValueType::Tensor { dtype, .. } => dtype,
        ValueType::Opaque(_) => DataType::F32,
    }
}

impl Backend for Burn {
    fn load(source: Source, _: Options) -> Result<Self> {
        match source {
            Source::Graph(graph) => Burn::of(graph),
            Source::File(path) => {
                let mut graph = Graph::load(path)?;
                lift_constants(&mut graph);
                Burn::of(&graph)
            }
        }
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let fail = |error: String| Error::run(NAME, error);
        let values = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| self.value(index, input))
            .collect::<Result<_, _>>()
            .map_err(fail)?;
        let outputs = self
            .module
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

    fn repeat(mut self, inputs: &[Array]) -> Result<Runner> {
        let inputs = inputs.to_vec();
        Ok(Box::new(move || self.run(&inputs).map(drop)))
    }

    fn time_nodes(_: &Graph, _: &[Array], _: Options, _: Effort) -> Result<Vec<NodeTime>> {
        Err(Error::run(NAME, "it does not time its nodes"))
    }
}
