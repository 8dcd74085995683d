use std::sync::Arc;

use burn::tensor::Device;
use edgefit_graph::ops::BatchNormalization;
use edgefit_graph::{Graph, Tensor};

use crate::error::Result;
use crate::ops::{self, Operands};
use crate::program::{Mode, Program};
use crate::train::TrainModule;
use crate::value::Value;

/// A graph in eval mode: running statistics, no dropout, no autodiff.
#[derive(Debug, Clone)]
pub struct EvalModule {
    program: Arc<Program>,
    weights: Vec<Value>,
    device: Device,
}

impl EvalModule {
    /// The module that computes `graph` on `device`.
    ///
    /// # Errors
    /// All ops that burn cannot run, at once.
    pub fn from_graph(graph: &Graph, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let program = Program::of(graph)?;
        let weights = program.load(graph, &device)?;
        Ok(EvalModule {
            program: Arc::new(program),
            weights,
            device,
        })
    }

    pub(crate) fn from_parts(program: Arc<Program>, weights: Vec<Value>, device: Device) -> Self {
        EvalModule {
            program,
            weights,
            device,
        }
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
        self.program.run(inputs, &mut Eval(&self.weights))
    }

    /// The same network, ready to train the parameters whose name `trained` accepts.
    ///
    /// Everything else is constant: normalisation whose scale and bias are not trained keeps its
    /// running statistics, and uses them.
    pub fn into_train(self, trained: impl Fn(&str) -> bool) -> TrainModule {
        TrainModule::new(self.program, self.weights, &self.device, trained)
    }

    /// Puts the weights back into the graph that this module came from.
    ///
    /// # Errors
    /// The device fails to hand out the values.
    pub fn write_into(&self, graph: &mut Graph) -> Result<()> {
        for (weight, value) in self.program.weights.iter().zip(&self.weights) {
            if let Some(tensor) = graph.initializers.get_mut(&weight.name) {
                *tensor = Tensor::from_values(tensor.dims().to_vec(), &value.to_vec()?);
            }
        }
        Ok(())
    }
}

struct Eval<'w>(&'w [Value]);

impl Mode for Eval<'_> {
    fn weight(&self, index: usize) -> Value {
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

    fn dropout(&mut self, _ratio: f32, x: Value) -> Value {
        x
    }
}
