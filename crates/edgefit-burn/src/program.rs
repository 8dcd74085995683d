use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use edgefit_graph::infer::{InputShapes, TensorType, infer_with};
use edgefit_graph::ops::{BatchNormalization, Op, Role, unsupported_ops};
use edgefit_graph::rewrite::lift_constants;
use edgefit_graph::{Graph, ValueType, trainable_parameters};

use crate::error::{Error, Result};
use crate::ops::{self, Operands};
use crate::value::{Floats, Value};

/// How many programs a network keeps: for the batch, for the last one of a pass, and some more.
const KEPT: usize = 4;

/// A graph, its weights numbered, and the programs made from it.
#[derive(Debug)]
pub(crate) struct Network {
    graph: Graph,
    /// Floats that flow through the graph, in the order of the modules' weights.
    pub weights: Vec<Weight>,
    programs: Mutex<Vec<Arc<Program>>>,
}

/// An initializer that flows through the graph.
#[derive(Debug)]
pub(crate) struct Weight {
    pub name: String,
    /// Whether training may change it by its gradient.
    pub trainable: bool,
    /// Whether it is a running statistic, which training gathers.
    pub statistic: bool,
}

/// A graph made ready to run on inputs of one shape: values are numbered, ops typed, shape
/// arithmetic folded, the last use of each value known.
#[derive(Debug)]
pub(crate) struct Program {
    key: Vec<Input>,
    steps: Vec<Step>,
    inputs: Vec<Option<usize>>,
    outputs: Vec<usize>,
    slots: usize,
    /// Slots of weights, each with its number.
    weights: Vec<(usize, usize)>,
    constants: Vec<(usize, Value)>,
}

/// What a program knows of an input.
#[derive(Debug, PartialEq)]
enum Input {
    Shape(Vec<usize>),
    /// Integers and booleans, of which shapes may be made.
    Known(edgefit_graph::Tensor),
}

#[derive(Debug)]
struct Step {
    node: String,
    op: Op,
    inputs: Vec<Option<usize>>,
    input_dims: Vec<Vec<usize>>,
    outputs: Vec<Option<usize>>,
    types: Vec<TensorType>,
    /// Whether it runs in the host's memory.
    on_host: bool,
    /// Weights that hold the running mean and variance, of normalisation over the batch.
    statistics: [Option<usize>; 2],
    /// Slots that nothing reads after this step.
    dead: Vec<usize>,
}

/// What differs between eval and train mode.
pub(crate) trait Mode {
    /// Value of the weight at `index` in [`Network::weights`].
    fn weight(&self, index: usize) -> Floats;

    /// Normalises the first of `operands`: x, scale, bias, mean, variance; `statistics` are the
    /// indices of mean and variance among the weights, if they are weights.
    fn batch_normalization(
        &mut self,
        op: &BatchNormalization,
        operands: &mut Operands,
        statistics: [Option<usize>; 2],
    ) -> Result<Value, String>;

    /// Drops out elements of `x`.
    fn dropout(&mut self, ratio: f32, x: Floats) -> Floats;
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
        // What can be found out now need not wait for the first batch.
        if let Ok(shapes) = InputShapes::bind(&network.graph, 1, None)
            && network.takes_floats()
        {
            let key = shapes.0.into_iter().map(|(_, dims)| Input::Shape(dims));
            network.compile(key.collect(), &Device::flex())?;
        }
        Ok(network)
    }

    fn takes_floats(&self) -> bool {
        self.graph.free_inputs().all(|input| match &input.ty {
            ValueType::Tensor { dtype, .. } => dtype.is_float(),
            ValueType::Opaque(_) => false,
        })
    }

    /// The weights as the graph holds them, in the order of [`Network::weights`].
    pub fn load(&self, device: &Device) -> Result<Vec<Floats>> {
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
        let expected = self.graph.free_inputs().count();
        if inputs.len() != expected {
            return Err(Error::Inputs {
                given: inputs.len(),
                expected,
            });
        }
        self.program(&inputs, device)?.run(inputs, device, mode)
    }

    fn program(&self, inputs: &[Value], device: &Device) -> Result<Arc<Program>> {
        let key: Vec<Input> = inputs
            .iter()
            .map(|input| match input {
                Value::Floats(floats) => Input::Shape(floats.dims()),
                Value::Host(tensor) => Input::Known(tensor.clone()),
            })
            .collect();
        // A program is whole before it is in the list, so the list is good even after a panic.
        let lock = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().iter().find(|program| program.key == key) {
            return Ok(Arc::clone(known));
        }
        let program = Arc::new(self.compile(key, device)?);
        let mut programs = lock();
        if programs.len() == KEPT {
            programs.remove(0);
        }
        programs.push(Arc::clone(&program));
        Ok(program)
    }

    fn compile(&self, key: Vec<Input>, device: &Device) -> Result<Program> {
        let graph = &self.graph;
        let mut shapes = Vec::new();
        let mut known = Vec::new();
        for (input, given) in graph.free_inputs().zip(&key) {
            match given {
                Input::Shape(dims) => {
                    // burn has no scalars; what the graph declares as one comes with a dimension.
                    let scalar = dims == &[1] && input.dims().is_some_and(<[_]>::is_empty);
                    let dims = if scalar { Vec::new() } else { dims.clone() };
                    shapes.push((input.name.clone(), dims));
                }
                Input::Known(tensor) => known.push((input.name.clone(), tensor.clone())),
            }
        }
        let inference = infer_with(graph, &InputShapes(shapes), known)?;

        let mut needed: HashSet<&str> = graph.outputs.iter().map(|out| out.name.as_str()).collect();
        let mut nodes = Vec::new();
        for (node, op) in graph.nodes.iter().zip(&inference.ops).rev() {
            let folded = |name| inference.constant(name).is_some();
            let made = node
                .present_outputs()
                .any(|name| needed.contains(name) && !folded(name));
            if !made {
                continue;
            }
            let op = op
                .as_ref()
                .ok_or_else(|| edgefit_graph::Error::Unsupported(inference.unsupported.clone()))?;
            for (index, name) in node.inputs.iter().enumerate() {
                if Role::of(node, index) != Role::Configuration {
                    needed.insert(name);
                }
            }
            nodes.push((node, op));
        }
        nodes.reverse();

        let numbers: HashMap<&str, usize> = self
            .weights
            .iter()
            .enumerate()
            .map(|(number, weight)| (weight.name.as_str(), number))
            .collect();
        let mut slots = Slots::default();
        let inputs = graph
            .free_inputs()
            .zip(&key)
            .map(|(input, given)| match given {
                Input::Shape(_) => Some(slots.new(&input.name, true)),
                Input::Known(_) => None,
            })
            .collect();
        let (mut weights, mut constants) = (Vec::new(), Vec::new());
        let mut slot_of_known = |slots: &mut Slots, name: &str| -> Result<Option<usize>> {
            if let Some(&slot) = slots.by_name.get(name) {
                return Ok(Some(slot));
            }
            if let Some(&number) = numbers.get(name) {
                let slot = slots.new(name, true);
                weights.push((slot, number));
                return Ok(Some(slot));
            }
            let known = inference
                .constant(name)
                .or_else(|| graph.initializers.get(name));
            let Some(tensor) = known else {
                return Ok(None);
            };
            let floats = tensor.dtype().is_float() && !tensor.dims().contains(&0);
            let value = match floats {
                true => Value::Host(tensor.clone())
                    .into_floats(device)
                    .map(Value::Floats),
                false => Ok(Value::Host(tensor.clone())),
            };
            let slot = slots.new(name, floats);
            constants.push((
                slot,
                value.map_err(|problem| Error::Node {
                    node: format!("value '{name}'"),
                    problem,
                })?,
            ));
            Ok(Some(slot))
        };

        let mut steps = Vec::with_capacity(nodes.len());
        for (node, op) in nodes {
            let mut operands = Vec::with_capacity(node.inputs.len());
            for (index, name) in node.inputs.iter().enumerate() {
                operands.push(match Role::of(node, index) {
                    _ if name.is_empty() => None,
                    Role::Configuration => None,
                    _ => slot_of_known(&mut slots, name)?,
                });
            }
            let ty = |name: &String| inference.get(name).cloned();
            let missing = TensorType {
                dtype: edgefit_graph::DataType::F32,
                dims: Vec::new(),
            };
            let types: Vec<TensorType> = node
                .outputs
                .iter()
                .map(|name| ty(name).unwrap_or_else(|| missing.clone()))
                .collect();
            let in_burn = |slot: &Option<usize>| slot.is_some_and(|slot| slots.in_burn[slot]);
            let on_host = !types.iter().any(|ty| ty.dtype.is_float())
                && !ops::keeps_integers_in_burn(op, operands.first().is_some_and(in_burn));
            let statistics = [3, 4].map(|index| {
                let name = node
                    .input(index)
                    .filter(|_| matches!(op, Op::BatchNormalization(_)))?;
                numbers.get(name).copied()
            });
            let outputs = node
                .outputs
                .iter()
                .zip(&types)
                .map(|(name, ty)| match name.as_str() {
                    "" => None,
                    name => {
                        let in_burn = !on_host && (ty.dtype.is_float() || types.len() == 1);
                        Some(slots.new(name, in_burn))
                    }
                })
                .collect();
            steps.push(Step {
                node: node.place(),
                op: op.clone(),
                input_dims: node
                    .inputs
                    .iter()
                    .map(|name| ty(name).map(|ty| ty.dims).unwrap_or_default())
                    .collect(),
                inputs: operands,
                outputs,
                types,
                on_host,
                statistics,
                dead: Vec::new(),
            });
        }
        let outputs = graph
            .outputs
            .iter()
            .map(|output| {
                slot_of_known(&mut slots, &output.name)?.ok_or_else(|| Error::Node {
                    node: format!("graph output '{}'", output.name),
                    problem: "nothing computes it".into(),
                })
            })
            .collect::<Result<Vec<_>>>()?;

        let mut seen = vec![false; slots.in_burn.len()];
        for &output in &outputs {
            seen[output] = true;
        }
        for step in steps.iter_mut().rev() {
            let touched = step.inputs.iter().chain(&step.outputs).flatten();
            for &slot in touched {
                if !std::mem::replace(&mut seen[slot], true) {
                    step.dead.push(slot);
                }
            }
        }
        Ok(Program {
            key,
            steps,
            inputs,
            outputs,
            slots: slots.in_burn.len(),
            weights,
            constants,
        })
    }
}

/// Numbers for values.
#[derive(Default)]
struct Slots {
    by_name: HashMap<String, usize>,
    /// Whether each holds a tensor in burn.
    in_burn: Vec<bool>,
}

impl Slots {
    fn new(&mut self, name: &str, in_burn: bool) -> usize {
        self.in_burn.push(in_burn);
        self.by_name.insert(name.to_owned(), self.in_burn.len() - 1);
        self.in_burn.len() - 1
    }
}

impl Program {
    fn run(&self, inputs: Vec<Value>, device: &Device, mode: &mut impl Mode) -> Result<Vec<Value>> {
        let mut slots: Vec<Option<Value>> = vec![None; self.slots];
        for (slot, input) in self.inputs.iter().zip(inputs) {
            if let Some(slot) = slot {
                slots[*slot] = Some(input);
            }
        }
        for &(slot, number) in &self.weights {
            slots[slot] = Some(mode.weight(number).into());
        }
        for (slot, value) in &self.constants {
            slots[*slot] = Some(value.clone());
        }
        for step in &self.steps {
            let values = step
                .run(&mut slots, device, mode)
                .map_err(|problem| Error::Node {
                    node: step.node.clone(),
                    problem,
                })?;
            for (slot, value) in step.outputs.iter().zip(values) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(value);
                }
            }
            for &slot in &step.dead {
                slots[slot] = None;
            }
        }
        Ok(self
            .outputs
            .iter()
            .filter_map(|&slot| slots[slot].clone())
            .collect())
    }
}

impl Step {
    fn run(
        &self,
        slots: &mut [Option<Value>],
        device: &Device,
        mode: &mut impl Mode,
    ) -> Result<Vec<Value>, String> {
        // A value that dies here is moved, so that burn may write into its memory.
        let operand = |slot: &Option<usize>| {
            let slot = (*slot)?;
            let uses = self
                .inputs
                .iter()
                .filter(|other| **other == Some(slot))
                .count();
            match uses == 1 && self.dead.contains(&slot) {
                true => slots[slot].take(),
                false => slots[slot].clone(),
            }
        };
        let mut operands = Operands {
            values: self.inputs.iter().map(operand).collect(),
            dims: &self.input_dims,
            device,
        };
        match &self.op {
            _ if self.on_host => operands.evaluate(&self.op, &self.types),
            Op::BatchNormalization(op) => {
                let value = mode.batch_normalization(op, &mut operands, self.statistics)?;
                Ok(vec![value])
            }
            Op::Dropout { ratio } => {
                let x = operands.floats(0)?;
                let mask = self.types.get(1).and_then(|ty| {
                    let all = vec![1; ty.elements()];
                    edgefit_graph::Tensor::from_i64(ty.dtype, ty.dims.clone(), &all)
                });
                let x = mode.dropout(*ratio, x).into();
                Ok([Some(x), mask.map(Value::Host)]
                    .into_iter()
                    .flatten()
                    .collect())
            }
            op => ops::forward(op, operands, &self.types),
        }
    }
}
