//! A graph with its weights numbered, and the programs that compute it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::ops::{Role, unsupported_ops};
use edgefit_graph::rewrite::lift_constants;
use edgefit_graph::{Graph, ValueType, trainable_parameters};

use crate::compile::compile;
use crate::error::{Error, Result};
use crate::program::{Input, Mode, Program};
use crate::value::{Floats, Value};
use crate::weights::Weight;

/// How many programs a network keeps: one for full batches, one for the last of a pass, and spares.
const KEPT: usize = 4;

/// A graph, its weights numbered, and the programs made from it.
#[derive(Debug)]
pub(crate) struct Network {
    pub graph: Graph,
    /// Floats that flow through the graph, in the order of the modules' weights.
    pub weights: Vec<Weight>,
    programs: Mutex<Vec<Arc<Program>>>,
}

impl Network {
    pub fn of(graph: &Graph) -> Result<Self> {
        let mut graph = graph.clone();
        lift_constants(&mut graph);
        let unsupported = unsupported_ops(&graph);
        if !unsupported.is_empty() {
            return Err(edgefit_graph::Error::Unsupported(unsupported).into());
        }
        let trainable: HashSet<&str> = trainable_parameters(&graph)
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        let mut seen = HashSet::new();
        let mut weights = Vec::new();
        for node in &graph.nodes {
            for (index, name) in node.inputs.iter().enumerate() {
                let role = Role::of(node, index);
                let floats = |tensor: &edgefit_graph::Tensor| tensor.dtype().is_float();
                let flows =
                    role != Role::Configuration && graph.initializers.get(name).is_some_and(floats);
                if flows && seen.insert(name) {
                    weights.push(Weight {
                        name: name.clone(),
                        trainable: trainable.contains(name.as_str()),
                        statistic: role == Role::RunningStatistic,
                    });
                }
            }
        }
        let network = Network {
            graph,
            weights,
            programs: Mutex::new(Vec::new()),
        };
        // Reports what cannot run now rather than at the first batch.
        if let Ok(shapes) = InputShapes::bind(&network.graph, 1, None)
            && network.takes_floats()
        {
            let key = shapes.0.into_iter().map(|(_, dims)| Input::Shape(dims));
            compile(
                &network.graph,
                &network.weights,
                key.collect(),
                &Device::flex(),
            )?;
        }
        Ok(network)
    }

    /// Whether nothing but the configuration of ops depends on the value `name`.
    fn configures(&self, name: &str) -> bool {
        let inputs = self.graph.nodes.iter().flat_map(|node| {
            let inputs = node.inputs.iter().enumerate();
            inputs.map(move |(index, input)| (input, Role::of(node, index)))
        });
        let mut roles = inputs.filter(|(input, _)| *input == name).peekable();
        roles.peek().is_some() && roles.all(|(_, role)| role == Role::Configuration)
    }

    fn takes_floats(&self) -> bool {
        self.graph.free_inputs().all(|input| match &input.ty {
            ValueType::Tensor { dtype, .. } => dtype.is_float() && !self.configures(&input.name),
            ValueType::Opaque(_) => false,
        })
    }

    /// The weights as the graph holds them, in the order of [`Network::weights`].
    pub fn load_weights(&self, device: &Device) -> Result<Vec<Floats>> {
        self.weights
            .iter()
            .map(|weight| {
                let tensor = &self.graph.initializers[&weight.name];
                Floats::new(tensor.to_f32()?, tensor.dims(), device).map_err(|problem| {
                    Error::Node {
                        node: format!("initializer '{}'", weight.name),
                        problem,
                    }
                })
            })
            .collect()
    }

    /// The graph's outputs for its inputs.
    pub fn run(
        &self,
        inputs: Vec<Value>,
        device: &Device,
        mode: &mut impl Mode,
    ) -> Result<Vec<Value>> {
        self.program(&inputs, device)?.run(inputs, device, mode)
    }

    /// The program for inputs of the shapes of `inputs`.
    pub fn program(&self, inputs: &[Value], device: &Device) -> Result<Arc<Program>> {
        let expected = self.graph.free_inputs().count();
        if inputs.len() != expected {
            return Err(Error::Inputs {
                given: inputs.len(),
                expected,
            });
        }
        let key = inputs
            .iter()
            .zip(self.graph.free_inputs())
            .map(|(input, declared)| {
                let dims = declared.dims().filter(|dims| dims.is_empty());
                let dims = dims.map_or_else(|| input.dims(), |_| Vec::new());
                Ok(match input {
                    // Scales, limits and the like are read when the program is made.
                    Value::Floats(_) if self.configures(&declared.name) => {
                        Input::Known(input.to_host(&dims)?)
                    }
                    Value::Floats(_) => Input::Shape(dims),
                    Value::Host(tensor) => Input::Known(tensor.clone()),
                })
            })
            .collect::<Result<Vec<Input>, String>>()
            .map_err(Error::ReadBack)?;
        // A program is complete before it is in the list, so the list is valid even after a panic.
        let lock = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().iter().find(|program| program.key == key) {
            return Ok(Arc::clone(known));
        }
        let program = Arc::new(compile(&self.graph, &self.weights, key, device)?);
        let mut programs = lock();
        if programs.len() == KEPT {
            programs.remove(0);
        }
        programs.push(Arc::clone(&program));
        Ok(program)
    }
}
