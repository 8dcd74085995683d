use std::collections::HashMap;
use std::sync::Arc;

use edgefit_graph::Graph;
use tract_linalg::multithread::{Executor, multithread_tract_scope};
use tract_onnx::prelude::*;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::{Engine, EngineName};

const NAME: EngineName = EngineName::Tract;

/// A model in tract. A plan is made for each input shape that comes along, since tract runs fastest
/// when every dimension is known.
pub(crate) struct Tract {
    model: InferenceModel,
    plans: HashMap<Vec<Vec<usize>>, Arc<TypedRunnableModel>>,
    executor: Executor,
}

impl Tract {
    pub fn load(graph: &Graph, threads: usize) -> Result<Self> {
        // What the exporter noted of inner values holds for its batch size, not for ours.
        let mut graph = graph.clone();
        graph.value_info.clear();
        let model = tract_onnx::onnx()
            .model_for_read(&mut graph.to_bytes().as_slice())
            .map_err(|error| Error::load(NAME, error))?;
        Ok(Tract {
            model,
            plans: HashMap::new(),
            executor: match threads {
                0 | 1 => Executor::SingleThread,
                threads => Executor::multithread(threads),
            },
        })
    }

    fn plan(&mut self, inputs: &[Array]) -> TractResult<Arc<TypedRunnableModel>> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.dims.clone()).collect();
        if let Some(plan) = self.plans.get(&shapes) {
            return Ok(Arc::clone(plan));
        }
        let mut model = self.model.clone();
        for (index, shape) in shapes.iter().enumerate() {
            model.set_input_fact(index, f32::fact(shape).into())?;
        }
        // Shapes that the exporter declared for outputs hold for its batch size, not for ours.
        for output in model.output_outlets()?.to_vec() {
            model.set_outlet_fact(output, InferenceFact::default())?;
        }
        // Where one of its optimisations breaks the model, tract runs it as it is.
        let plan = match model.clone().into_optimized() {
            Ok(optimized) => optimized.into_runnable()?,
            Err(error) => model
                .into_typed()
                .and_then(TypedModel::into_runnable)
                .map_err(|_| error)?,
        };
        self.plans.insert(shapes, Arc::clone(&plan));
        Ok(plan)
    }
}

impl Engine for Tract {
    fn name(&self) -> EngineName {
        NAME
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let plan = self
            .plan(inputs)
            .map_err(|error| Error::load(NAME, error))?;
        let run = || -> TractResult<Vec<Array>> {
            let tensors = inputs
                .iter()
                .map(|input| Ok(Tensor::from_shape(&input.dims, &input.values)?.into_tvalue()))
                .collect::<TractResult<_>>()?;
            plan.run(tensors)?
                .iter()
                .map(|output| {
                    let output = output.cast_to::<f32>()?;
                    Ok(Array {
                        dims: output.shape().to_vec(),
                        values: output
                            .to_plain_array_view::<f32>()?
                            .iter()
                            .copied()
                            .collect(),
                    })
                })
                .collect()
        };
        multithread_tract_scope(self.executor.clone(), run).map_err(|error| Error::run(NAME, error))
    }
}
