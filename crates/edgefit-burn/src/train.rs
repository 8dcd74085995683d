//! A graph in train mode.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Distribution};
use edgefit_graph::ops::BatchNormalization;

use crate::error::Result;
use crate::eval::EvalModule;
use crate::network::Network;
use crate::ops::{self, Operands};
use crate::parameter::Parameter;
use crate::program::Mode;
use crate::value::{Floats, Value, on_rank};

/// A graph in train mode: a burn [`Module`] whose parameters are the trained weights.
///
/// Normalisation whose scale is trained uses batch statistics and gathers running ones; all other
/// normalisation is in eval mode. Predictions are made by [`TrainModule::to_eval`].
///
/// ```
/// use edgefit_burn::burn::optim::SgdConfig;
/// use edgefit_burn::burn::tensor::{Device, Tensor};
/// use edgefit_burn::{EvalModule, Gradients, Value};
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// let mut graph = Graph::new("product", 17);
/// graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1), Dim::Known(2)]));
/// graph.outputs.push(ValueInfo::f32("y", vec![]));
/// let weight = edgefit_graph::Tensor::from_values(vec![2, 1], &[1f32, 1.0]);
/// graph.initializers.insert("w".into(), weight);
/// graph.nodes.push(Node::new("MatMul", "product", &["x", "w"], &["y"]));
///
/// let device = Device::flex();
/// let mut module = EvalModule::from_graph(&graph, &device)?.into_train(|name| name == "w");
/// let mut optimizer = SgdConfig::new().init();
/// let x = Value::new(vec![1.0, 2.0], &[1, 2], &device)?;
/// let y: Tensor<2> = module.forward(vec![x])?.remove(0).try_into()?;
/// // The gradient of y is x.
/// let gradients = Gradients::of(&y.sum(), &module);
/// let module = optimizer.step(0.5, module, gradients.into_params());
/// module.to_eval().write_into(&mut graph)?;
/// assert_eq!(graph.initializers["w"].to_f32()?, [0.5, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct TrainModule {
    parameters: Vec<Parameter>,
    #[module(skip)]
    constants: Arc<Constants>,
    #[module(skip)]
    statistics: Vec<Option<Floats>>,
}

/// What stays the same from step to step.
#[derive(Debug)]
struct Constants {
    network: Arc<Network>,
    device: Device,
    /// For each weight of the network: its index among the parameters, or its constant value.
    sources: Vec<Source>,
}

#[derive(Debug)]
enum Source {
    Trained(usize),
    Constant(Box<Floats>),
}

impl EvalModule {
    /// The same network, ready to train the parameters whose name `trained` accepts.
    ///
    /// Everything else is constant: normalisation whose scale and bias are not trained keeps its
    /// running statistics, and uses them.
    pub fn into_train(self, trained: impl Fn(&str) -> bool) -> TrainModule {
        let (network, weights, device) = self.into_parts();
        let mut parameters = Vec::new();
        let sources: Vec<Source> = network
            .weights
            .iter()
            .zip(weights)
            .map(|(weight, value)| {
                if weight.trainable && trained(&weight.name) {
                    parameters.push(Parameter::new(parameters.len() as u64, value));
                    Source::Trained(parameters.len() - 1)
                } else {
                    Source::Constant(Box::new(value))
                }
            })
            .collect();
        TrainModule {
            parameters,
            statistics: vec![None; sources.len()],
            constants: Arc::new(Constants {
                network,
                device,
                sources,
            }),
        }
    }
}

impl TrainModule {
    /// The trained weights by their names in the graph.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        let names = self
            .constants
            .network
            .weights
            .iter()
            .zip(&self.constants.sources);
        names.filter_map(|(weight, source)| match source {
            Source::Trained(index) => Some((weight.name.as_str(), &self.parameters[*index])),
            Source::Constant(_) => None,
        })
    }

    /// The graph's outputs for its inputs, tracked by autodiff. Running statistics of trained
    /// normalisation move on.
    ///
    /// # Errors
    /// Shapes that do not go together, with the node.
    pub fn forward(&mut self, inputs: Vec<Value>) -> Result<Vec<Value>> {
        let inputs = inputs
            .into_iter()
            .map(|input| match input {
                Value::Floats(floats) => on_rank!(floats, tensor => tensor.autodiff().into()),
                host => host,
            })
            .collect();
        let constants = Arc::clone(&self.constants);
        constants
            .network
            .run(inputs, &constants.device, &mut Train(self))
    }

    /// The network as it is now, in eval mode.
    pub fn to_eval(&self) -> EvalModule {
        let weights = (0..self.constants.sources.len())
            .map(|index| self.weight(index).inner())
            .collect();
        EvalModule::from_parts(
            Arc::clone(&self.constants.network),
            weights,
            self.constants.device.clone(),
        )
    }

    fn weight(&self, index: usize) -> Floats {
        match (&self.statistics[index], &self.constants.sources[index]) {
            (Some(gathered), _) => gathered.clone(),
            (None, Source::Trained(parameter)) => self.parameters[*parameter].value(),
            (None, Source::Constant(value)) => Floats::clone(value),
        }
    }
}

struct Train<'m>(&'m mut TrainModule);

impl Mode for Train<'_> {
    fn weight(&self, index: usize) -> Floats {
        self.0.weight(index)
    }

    fn batch_normalization(
        &mut self,
        op: &BatchNormalization,
        operands: &mut Operands,
        statistics: [Option<usize>; 2],
    ) -> Result<Value, String> {
        let trained = match operands.values.get(1) {
            Some(Some(Value::Floats(Floats::R1(scale)))) => scale.is_require_grad(),
            _ => false,
        };
        if !trained {
            return ops::batch_norm(op, operands);
        }
        let gathered = ops::batch_norm_train(op, operands)?;
        for (slot, value) in statistics
            .into_iter()
            .zip([gathered.mean, gathered.variance])
        {
            if let Some(slot) = slot {
                self.0.statistics[slot] = Some(Floats::R1(value.inner()));
            }
        }
        Ok(gathered.output)
    }

    /// Inverted dropout (Srivastava et al. 2014, section 10): kept elements are scaled up, so that
    /// eval mode needs no change.
    fn dropout(&mut self, ratio: f32, x: Floats) -> Floats {
        let keep = f64::from(1.0 - ratio);
        on_rank!(x, tensor => {
            let mask = tensor.random_like(Distribution::Bernoulli(keep));
            (tensor * mask / keep).into()
        })
    }
}
