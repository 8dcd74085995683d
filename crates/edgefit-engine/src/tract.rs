//! Models in tract.

mod whole_softmax;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use edgefit_graph::Graph;
use tract_linalg::multithread::{Executor, multithread_tract_scope};
use tract_onnx::prelude::*;

use self::whole_softmax::with_whole_softmaxes;
use crate::array::Array;
use crate::backend::{Backend, Options, Runner, Source};
use crate::effort::Effort;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::node_times::{NodeTime, Recorder};

const NAME: EngineName = EngineName::Tract;

/// A model in tract. A plan is made for each input shape that comes along, since tract runs fastest
/// when every dimension is known.
pub(crate) struct Tract {
    model: InferenceModel,
    inputs: Vec<DatumType>,
    plans: HashMap<Vec<Vec<usize>>, Arc<TypedRunnableModel>>,
    executor: Executor,
}

impl Tract {
    fn plan(&mut self, inputs: &[Array]) -> TractResult<Arc<TypedRunnableModel>> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.dims.clone()).collect();
        if let Some(plan) = self.plans.get(&shapes) {
            return Ok(Arc::clone(plan));
        }
        let mut model = self.model.clone();
        for (index, (shape, dtype)) in shapes.iter().zip(&self.inputs).enumerate() {
            model.set_input_fact(index, dtype.fact(shape).into())?;
        }
        // Shapes that the exporter declared for outputs hold for its batch size, not for ours.
        for output in model.output_outlets()?.to_vec() {
            model.set_outlet_fact(output, InferenceFact::default())?;
        }
        // Where one of its optimisations breaks the model, tract runs it as it is.
        let optimized = model
            .clone()
            .into_typed()
            .and_then(|typed| with_whole_softmaxes(typed).into_optimized());
        let plan = match optimized {
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

/// Element type of each input as the model declares it.
fn input_types(model: &InferenceModel) -> TractResult<Vec<DatumType>> {
    let outlets = model.input_outlets()?.iter();
    outlets
        .map(|&outlet| {
            let declared = model.outlet_fact(outlet)?.datum_type();
            Ok(declared.unwrap_or(DatumType::F32))
        })
        .collect()
}

fn tensors(inputs: &[Array], types: &[DatumType]) -> TractResult<TVec<TValue>> {
    let types = types
        .iter()
        .copied()
        .chain(std::iter::repeat(DatumType::F32));
    inputs
        .iter()
        .zip(types)
        .map(|(input, dtype)| {
            let tensor = Tensor::from_shape(&input.dims, &input.values)?;
            Ok(tensor.cast_to_dt(dtype)?.into_owned().into_tvalue())
        })
        .collect()
}

impl Backend for Tract {
    fn load(source: Source, options: Options) -> Result<Self> {
        let parsed = match source {
            Source::Graph(graph) => {
                // What the exporter noted of inner values holds for its batch size, not for ours.
                let mut graph = graph.clone();
                graph.value_info.clear();
                tract_onnx::onnx().model_for_read(&mut graph.to_bytes().as_slice())
            }
            Source::File(path) => tract_onnx::onnx()
                .with_ignore_value_info(true)
                .model_for_path(path),
        };
        let load = |error| Error::load(NAME, error);
        let model = parsed.map_err(load)?;
        Ok(Tract {
            inputs: input_types(&model).map_err(load)?,
            model,
            plans: HashMap::new(),
            executor: match options.threads {
                0 | 1 => Executor::SingleThread,
                threads => Executor::multithread(threads),
            },
        })
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let plan = self
            .plan(inputs)
            .map_err(|error| Error::load(NAME, error))?;
        let run = || -> TractResult<Vec<Array>> {
            plan.run(tensors(inputs, &self.inputs)?)?
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

    fn repeat(mut self, inputs: &[Array]) -> Result<Runner> {
        let load = |error| Error::load(NAME, error);
        let plan = self.plan(inputs).map_err(load)?;
        let executor = self.executor.clone();
        let values = tensors(inputs, &self.inputs).map_err(load)?;
        // The plan is all that runs need; the parsed model would only take memory.
        drop(self);
        let mut state = plan.spawn().map_err(load)?;
        Ok(Box::new(move || {
            multithread_tract_scope(executor.clone(), || state.run(values.clone()))
                .map(drop)
                .map_err(|error| Error::run(NAME, error))
        }))
    }

    fn time_nodes(
        graph: &Graph,
        inputs: &[Array],
        options: Options,
        effort: Effort,
    ) -> Result<Vec<NodeTime>> {
        let mut tract = Tract::load(Source::Graph(graph), options)?;
        let plan = tract
            .plan(inputs)
            .map_err(|error| Error::load(NAME, error))?;
        let mut recorder = Recorder::default();
        let mut state = plan.spawn().map_err(|error| Error::load(NAME, error))?;
        effort.spend(|| {
            let run = || {
                // What is dropped and looked up between two nodes counts for the second.
                let mut last = Instant::now();
                state.run_plan_with_eval(
                    tensors(inputs, &tract.inputs)?,
                    |context, state, node, inputs| {
                        let outputs =
                            tract_onnx::tract_core::plan::eval(context, state, node, inputs);
                        let now = Instant::now();
                        let ns = now.duration_since(last).as_nanos() as u64;
                        last = now;
                        recorder.record(&node.name, &node.op.name(), ns);
                        outputs
                    },
                )
            };
            multithread_tract_scope(tract.executor.clone(), run)
                .map(drop)
                .map_err(|error| Error::run(NAME, error))
        })?;
        Ok(recorder.medians())
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;
    use crate::provider::Provider;

    #[test]
    fn a_softmax_between_integers_is_over_all_of_its_axis() {
        let mut graph = Graph::new("g", 17);
        let dims = || [1, 3].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims()));
        graph.outputs.push(ValueInfo::f32("y", dims()));
        let mut constant = |name: &str, tensor: Tensor| {
            graph.initializers.insert(name.into(), tensor);
        };
        constant("s", Tensor::from_values(vec![], &[0.1f32]));
        constant("z", Tensor::from_values(vec![], &[0i8]));
        constant("t", Tensor::from_values(vec![], &[1f32 / 256.0]));
        constant("low", Tensor::from_values(vec![], &[-128i8]));
        graph.nodes = vec![
            Node::new("QuantizeLinear", "qx", &["x", "s", "z"], &["xq"]),
            Node::new("DequantizeLinear", "dx", &["xq", "s", "z"], &["xd"]),
            Node::new("Softmax", "softmax", &["xd"], &["p"]),
            Node::new("QuantizeLinear", "qp", &["p", "t", "low"], &["pq"]),
            Node::new("DequantizeLinear", "dp", &["pq", "t", "low"], &["y"]),
        ];
        let logits = [1f32, 2.0, -0.5];
        let input = Array {
            dims: vec![1, 3],
            values: logits.to_vec(),
        };
        let options = Options::new(1, Provider::default());
        let mut tract = Tract::load(Source::Graph(&graph), options).unwrap();
        let found = tract.run(&[input]).unwrap();
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        for (value, logit) in found[0].values.iter().zip(logits) {
            let exact = logit.exp() / sum;
            assert!((value - exact).abs() < 0.003, "{found:?}, not {exact}");
        }
    }
}
