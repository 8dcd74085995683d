//! A graph in eval mode.

use std::sync::Arc;

use burn::tensor::Device;
use edgefit_graph::ops::BatchNormalization;
use edgefit_graph::rewrite::lift_constants;
use edgefit_graph::{Graph, Tensor};

use crate::compile::compile;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::ops::{self, Operands};
use crate::program::{Input, Mode};
use crate::value::{Floats, Value};
use crate::weights::Weights;

/// A graph in eval mode: running statistics, no dropout, no autodiff.
///
/// ```
/// use edgefit_burn::burn::tensor::Device;
/// use edgefit_burn::{EvalModule, Value};
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// let mut graph = Graph::new("relu", 17);
/// graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(3)]));
/// graph.outputs.push(ValueInfo::f32("y", vec![]));
/// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
///
/// let device = Device::flex();
/// let module = EvalModule::from_graph(&graph, &device)?;
/// let outputs = module.forward(vec![Value::new(vec![-1.0, 0.0, 2.0], &[3], &device)?])?;
/// assert_eq!(outputs[0].to_vec()?, [0.0, 0.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EvalModule {
    network: Arc<Network>,
    weights: Vec<Floats>,
    device: Device,
}

impl EvalModule {
    /// The module that computes `graph` on `device`.
    ///
    /// # Errors
    /// All ops that burn cannot run, at once.
    pub fn from_graph(graph: &Graph, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let network = Network::of(graph)?;
        Ok(EvalModule {
            weights: network.load_weights(&device)?,
            network: Arc::new(network),
            device,
        })
    }

    pub(crate) fn from_parts(network: Arc<Network>, weights: Vec<Floats>, device: Device) -> Self {
        EvalModule {
            network,
            weights,
            device,
        }
    }

    /// The network, the values of its weights, and where it computes.
    pub(crate) fn into_parts(self) -> (Arc<Network>, Vec<Floats>, Device) {
        (self.network, self.weights, self.device)
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The graph's outputs for its inputs, in their declared order.
    ///
    /// # Errors
    /// Shapes that do not go together, with the node.
    pub fn forward(&self, inputs: Vec<Value>) -> Result<Vec<Value>> {
        self.network
            .run(inputs, &self.device, &mut Eval(&self.weights))
    }

    /// What is computed for inputs of the shapes `dims`, in order: a node by its op, several nodes that one
    /// kernel computes as what they are together.
    ///
    /// # Errors
    /// Shapes that do not go together, with the node.
    pub fn steps(&self, dims: &[&[usize]]) -> Result<Vec<String>> {
        let network = &self.network;
        let shapes = dims
            .iter()
            .map(|dims| Input::Shape(dims.to_vec()))
            .collect();
        let program = compile(&network.graph, &network.weights, shapes, &self.device)?;
        Ok(program
            .steps
            .iter()
            .map(|step| step.work.to_string())
            .collect())
    }

    /// What training may have changed, by name: trainable weights and running statistics, row-major.
    ///
    /// # Errors
    /// The device fails to read the values back.
    pub fn weights(&self) -> Result<Weights> {
        let all = self.network.weights.iter().zip(&self.weights);
        all.filter(|(weight, _)| weight.trainable || weight.statistic)
            .map(|(weight, value)| Ok((weight.name.clone(), value.to_vec()?)))
            .collect()
    }

    /// The same network with the weights that `weights` names replaced.
    ///
    /// # Errors
    /// A weight has another number of elements here.
    pub fn with_weights(mut self, weights: &Weights) -> Result<Self> {
        for (weight, value) in self.network.weights.iter().zip(&mut self.weights) {
            if let Some(values) = weights.get(&weight.name) {
                let dims = value.dims();
                *value = Floats::new(values.clone(), &dims, &self.device).map_err(|problem| {
                    Error::Node {
                        node: format!("initializer '{}'", weight.name),
                        problem,
                    }
                })?;
            }
        }
        Ok(self)
    }

    /// Writes what training may have changed into the graph that this module came from, in the type
    /// that it has there.
    ///
    /// # Errors
    /// The device fails to read the values back, or the graph is another one.
    pub fn write_into(&self, graph: &mut Graph) -> Result<()> {
        lift_constants(graph);
        for (weight, value) in self.network.weights.iter().zip(&self.weights) {
            if !weight.trainable && !weight.statistic {
                continue;
            }
            let values: Vec<f64> = value.to_vec()?.into_iter().map(f64::from).collect();
            let old = graph.initializers.get_mut(&weight.name);
            let written = old.and_then(|old| {
                let dims = old.dims().to_vec();
                *old = Tensor::from_f64(old.dtype(), dims, &values)?;
                Some(())
            });
            written.ok_or_else(|| Error::Node {
                node: format!("initializer '{}'", weight.name),
                problem: "is not in this graph as it was; write into the graph that was compiled"
                    .into(),
            })?;
        }
        Ok(())
    }
}

struct Eval<'w>(&'w [Floats]);

impl Mode for Eval<'_> {
    fn weight(&self, index: usize) -> Floats {
        self.0[index].clone()
    }

    fn batch_normalization(
        &mut self,
        op: &BatchNormalization,
        operands: &mut Operands,
        _statistics: [Option<usize>; 2],
    ) -> Result<Value, String> {
        ops::batch_norm(op, operands)
    }

    fn dropout(&mut self, _ratio: f32, x: Floats) -> Floats {
        x
    }
}
