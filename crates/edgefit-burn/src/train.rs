use std::sync::Arc;

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use edgefit_graph::ops::BatchNormalization;

use crate::error::Result;
use crate::eval::EvalModule;
use crate::network::Network;
use crate::ops::{self, Operands};
use crate::program::Mode;
use crate::value::{Floats, Value, on_rank};

/// A graph in train mode: a burn [`Module`] whose parameters are the trained weights.
///
/// Normalisation whose scale is trained uses batch statistics and gathers running ones; all other
/// normalisation is in eval mode. It computes no prediction for anybody: see
/// [`TrainModule::to_eval`].
#[derive(Module, Debug)]
pub struct TrainModule {
    parameters: Vec<Parameter>,
    #[module(skip)]
    frame: Arc<Frame>,
    #[module(skip)]
    statistics: Vec<Option<Floats>>,
}

/// What stays the same from step to step.
#[derive(Debug)]
struct Frame {
    network: Arc<Network>,
    device: Device,
    /// For each weight of the network: its place among the parameters, or its constant value.
    sources: Vec<Source>,
}

#[derive(Debug)]
enum Source {
    Trained(usize),
    Constant(Box<Floats>),
}

/// A trained weight of any rank.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub enum Parameter {
    R1(Param<Tensor<1>>),
    R2(Param<Tensor<2>>),
    R3(Param<Tensor<3>>),
    R4(Param<Tensor<4>>),
    R5(Param<Tensor<5>>),
    R6(Param<Tensor<6>>),
    R7(Param<Tensor<7>>),
    R8(Param<Tensor<8>>),
}

/// Runs `$body` with `$param` bound to the burn parameter of whatever rank `$parameter` has.
macro_rules! on_parameter {
    ($parameter:expr, $param:ident => $body:expr) => {
        match $parameter {
            $crate::train::Parameter::R1($param) => $body,
            $crate::train::Parameter::R2($param) => $body,
            $crate::train::Parameter::R3($param) => $body,
            $crate::train::Parameter::R4($param) => $body,
            $crate::train::Parameter::R5($param) => $body,
            $crate::train::Parameter::R6($param) => $body,
            $crate::train::Parameter::R7($param) => $body,
            $crate::train::Parameter::R8($param) => $body,
        }
    };
}
pub(crate) use on_parameter;

impl Parameter {
    /// `id` tells it from the other parameters of its module, and is the same for the same graph,
    /// so that the state of an optimizer finds it again.
    fn new(id: u64, value: Floats) -> Self {
        fn param<const D: usize>(id: u64, tensor: Tensor<D>) -> Param<Tensor<D>> {
            let mut param = Param::from_tensor(tensor.autodiff());
            param.id = ParamId::from(id);
            param
        }
        match value {
            Floats::R1(tensor) => Parameter::R1(param(id, tensor)),
            Floats::R2(tensor) => Parameter::R2(param(id, tensor)),
            Floats::R3(tensor) => Parameter::R3(param(id, tensor)),
            Floats::R4(tensor) => Parameter::R4(param(id, tensor)),
            Floats::R5(tensor) => Parameter::R5(param(id, tensor)),
            Floats::R6(tensor) => Parameter::R6(param(id, tensor)),
            Floats::R7(tensor) => Parameter::R7(param(id, tensor)),
            Floats::R8(tensor) => Parameter::R8(param(id, tensor)),
        }
    }

    /// What tells it from the other parameters of its module.
    pub fn id(&self) -> ParamId {
        on_parameter!(self, param => param.id)
    }

    /// Its gradient, if one reached it.
    pub fn gradient(&self, gradients: &GradientsParams) -> Option<Floats> {
        Some(match self {
            Parameter::R1(param) => gradients.get::<1>(param.id)?.into(),
            Parameter::R2(param) => gradients.get::<2>(param.id)?.into(),
            Parameter::R3(param) => gradients.get::<3>(param.id)?.into(),
            Parameter::R4(param) => gradients.get::<4>(param.id)?.into(),
            Parameter::R5(param) => gradients.get::<5>(param.id)?.into(),
            Parameter::R6(param) => gradients.get::<6>(param.id)?.into(),
            Parameter::R7(param) => gradients.get::<7>(param.id)?.into(),
            Parameter::R8(param) => gradients.get::<8>(param.id)?.into(),
        })
    }

    fn value(&self) -> Floats {
        on_parameter!(self, param => param.val().into())
    }
}

impl TrainModule {
    pub(crate) fn new(
        network: Arc<Network>,
        weights: Vec<Floats>,
        device: &Device,
        trained: impl Fn(&str) -> bool,
    ) -> Self {
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
            frame: Arc::new(Frame {
                network,
                device: device.clone(),
                sources,
            }),
        }
    }

    /// The trained weights by their names in the graph.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        let names = self.frame.network.weights.iter().zip(&self.frame.sources);
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
        let frame = Arc::clone(&self.frame);
        frame.network.run(inputs, &frame.device, &mut Train(self))
    }

    /// The network as it is now, in eval mode.
    pub fn to_eval(&self) -> EvalModule {
        let weights = (0..self.frame.sources.len())
            .map(|index| self.weight(index).inner())
            .collect();
        EvalModule::from_parts(
            Arc::clone(&self.frame.network),
            weights,
            self.frame.device.clone(),
        )
    }

    fn weight(&self, index: usize) -> Floats {
        match (&self.statistics[index], &self.frame.sources[index]) {
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
