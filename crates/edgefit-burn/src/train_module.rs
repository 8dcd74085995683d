//! A graph in train mode.
//!
//! It and `recomputation/tape.rs` import each other: a module keeps the tape of its last pass, and a tape runs its module.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Distribution};
use edgefit_graph::ops::BatchNormalization;

use crate::error::Result;
use crate::eval_module::EvalModule;
use crate::network::Network;
use crate::ops::{self, Operands};
use crate::parameter::Parameter;
use crate::program::{Mode, Program};
use crate::recomputation::{Recomputation, Segment, Tape, tape};
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
/// let gradients = Gradients::of(&y.sum(), &mut module)?;
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
    #[module(skip)]
    recomputation: Arc<Recomputation>,
    /// What the last forward pass left, if its segments are taped apart.
    #[module(skip)]
    tape: Option<Tape>,
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
            recomputation: Arc::default(),
            tape: None,
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
        let (network, device) = (&constants.network, &constants.device);
        self.tape = None;
        if self.recomputation.is_empty() {
            let mut mode = Train::new(self, Pass::Taped);
            return network.run(inputs, device, &mut mode);
        }
        let program = network.program(&inputs, device)?;
        let sources = constants.sources.iter();
        let trained: Vec<bool> = sources
            .map(|source| matches!(source, Source::Trained(_)))
            .collect();
        let segments = self.recomputation.segments(&program, &trained);
        let (outputs, tape) = tape::forward(program, segments, inputs, self)?;
        self.tape = Some(tape);
        Ok(outputs)
    }

    /// The same module, whose steps compute what `recomputation` says a second time instead of keeping it. The
    /// gradients are those of [`Gradients::of`](crate::Gradients::of), for the forward pass before it.
    #[must_use]
    pub fn recomputing(self, recomputation: Recomputation) -> Self {
        TrainModule {
            recomputation: Arc::new(recomputation),
            ..self
        }
    }

    pub(crate) fn take_tape(&mut self) -> Option<Tape> {
        self.tape.take()
    }

    /// Runs the steps of `segment` on `slots`, which hold what others made of what it reads.
    pub(crate) fn run_segment(
        &mut self,
        program: &Program,
        segment: &Segment,
        slots: &mut [Option<Value>],
        pass: Pass,
    ) -> Result<()> {
        let device = self.constants.device.clone();
        let mut mode = Train::new(self, pass);
        for &(slot, number) in &segment.weights {
            slots[slot] = Some(mode.weight(number).into());
        }
        program.run_steps(segment.steps.clone(), slots, &device, &mut mode)
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

    /// The value of the weight at `index`.
    pub(crate) fn weight(&self, index: usize) -> Floats {
        match (&self.statistics[index], &self.constants.sources[index]) {
            (Some(gathered), _) => gathered.clone(),
            (None, Source::Trained(parameter)) => self.parameters[*parameter].value(),
            (None, Source::Constant(value)) => Floats::clone(value),
        }
    }
}

/// Whether a pass leaves anything for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    Taped,
    /// It computes what the other one does, and keeps nothing.
    Untaped,
}

struct Train<'m> {
    module: &'m mut TrainModule,
    pass: Pass,
}

impl<'m> Train<'m> {
    fn new(module: &'m mut TrainModule, pass: Pass) -> Self {
        Train { module, pass }
    }
}

impl Mode for Train<'_> {
    fn weight(&self, index: usize) -> Floats {
        let weight = self.module.weight(index);
        match self.pass {
            Pass::Taped => weight,
            Pass::Untaped => weight.constant(),
        }
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
                self.module.statistics[slot] = Some(Floats::R1(value.inner()));
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
