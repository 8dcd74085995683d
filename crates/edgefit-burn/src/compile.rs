//! A graph and the shapes of its inputs into a program.

use std::collections::{HashMap, HashSet};

use burn::tensor::Device;
use edgefit_graph::infer::{Inference, InputShapes, TensorType, infer_with};
use edgefit_graph::ops::{Op, Role};
use edgefit_graph::{DataType, Graph, Node};

use crate::error::{Error, Result};
use crate::fusion::fuse;
use crate::ops;
use crate::program::{Input, Program, Step, Work};
use crate::value::{Location, Value};
use crate::weights::Weight;

/// The program that computes `graph` for inputs of which `key` is known.
///
/// Weights are numbered by their order in `weights`; other constants go to `device` at once.
pub(crate) fn compile(
    graph: &Graph,
    weights: &[Weight],
    key: Vec<Input>,
    device: &Device,
) -> Result<Program> {
    let inference = inference(graph, &key)?;
    let mut slots = Slots {
        graph,
        inference: &inference,
        device,
        numbers: weights
            .iter()
            .enumerate()
            .map(|(number, weight)| (weight.name.as_str(), number))
            .collect(),
        by_name: HashMap::new(),
        locations: Vec::new(),
        weights: Vec::new(),
        constants: Vec::new(),
    };
    let inputs = graph
        .free_inputs()
        .zip(&key)
        .map(|(input, given)| match given {
            Input::Shape(_) => Some(slots.add(&input.name, Location::Burn)),
            Input::Known(_) => None,
        })
        .collect();
    let steps = needed(graph, &inference)?
        .into_iter()
        .map(|(node, op)| slots.step(node, op))
        .collect::<Result<Vec<_>>>()?;
    let outputs = graph
        .outputs
        .iter()
        .map(|output| {
            slots.find(&output.name)?.ok_or_else(|| Error::Node {
                node: format!("graph output '{}'", output.name),
                problem: "nothing computes it".into(),
            })
        })
        .collect::<Result<Vec<_>>>()?;

    let mut steps = fuse(steps, &outputs, slots.numbers_of(weights));
    let mut seen = vec![false; slots.locations.len()];
    for &output in &outputs {
        seen[output] = true;
    }
    for step in steps.iter_mut().rev() {
        for &slot in step.inputs.iter().chain(&step.outputs).flatten() {
            if !std::mem::replace(&mut seen[slot], true) {
                step.dead.push(slot);
            }
        }
    }
    Ok(Program {
        steps,
        inputs,
        outputs,
        slots: slots.locations.len(),
        weights: slots.weights,
        constants: slots.constants,
        key,
    })
}

fn inference(graph: &Graph, key: &[Input]) -> Result<Inference> {
    let mut shapes = Vec::new();
    let mut known = Vec::new();
    for (input, given) in graph.free_inputs().zip(key) {
        match given {
            Input::Shape(dims) => shapes.push((input.name.clone(), dims.clone())),
            Input::Known(tensor) => known.push((input.name.clone(), tensor.clone())),
        }
    }
    Ok(infer_with(graph, &InputShapes(shapes), known)?)
}

/// The nodes that have to run for the graph's outputs, in order.
fn needed<'g>(graph: &'g Graph, inference: &'g Inference) -> Result<Vec<(&'g Node, &'g Op)>> {
    let mut wanted: HashSet<&str> = graph.outputs.iter().map(|out| out.name.as_str()).collect();
    let mut nodes = Vec::new();
    for (node, op) in graph.nodes.iter().zip(&inference.ops).rev() {
        let runs = |name| wanted.contains(name) && !inference.is_folded(name);
        if !node.present_outputs().any(runs) {
            continue;
        }
        let unsupported = || edgefit_graph::Error::Unsupported(inference.unsupported.clone());
        nodes.push((node, op.as_ref().ok_or_else(unsupported)?));
        let read = node.inputs.iter().enumerate();
        let read = read.filter(|(index, _)| Role::of(node, *index) != Role::Configuration);
        wanted.extend(read.map(|(_, name)| name.as_str()));
    }
    nodes.reverse();
    Ok(nodes)
}

/// The numbers of values while a program is made.
struct Slots<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    device: &'g Device,
    numbers: HashMap<&'g str, usize>,
    by_name: HashMap<String, usize>,
    /// Where the value of each slot lies.
    locations: Vec<Location>,
    weights: Vec<(usize, usize)>,
    constants: Vec<(usize, Value)>,
}

impl Slots<'_> {
    fn add(&mut self, name: &str, location: Location) -> usize {
        let slot = self.locations.len();
        self.locations.push(location);
        self.by_name.insert(name.to_owned(), slot);
        slot
    }

    /// The slot of the value `name`; weights and constants get theirs when they are first read.
    fn find(&mut self, name: &str) -> Result<Option<usize>> {
        if let Some(&slot) = self.by_name.get(name) {
            return Ok(Some(slot));
        }
        if let Some(&number) = self.numbers.get(name) {
            let slot = self.add(name, Location::Burn);
            self.weights.push((slot, number));
            return Ok(Some(slot));
        }
        let folded = self.inference.constant(name);
        let Some(tensor) = folded.or_else(|| self.graph.initializers.get(name)) else {
            return Ok(None);
        };
        let value = Value::Host(tensor.clone());
        let (value, location) = if tensor.dtype().is_float() && tensor.elements() > 0 {
            let floats = value.into_floats(self.device).map(Value::Floats);
            (floats, Location::Burn)
        } else {
            (Ok(value), Location::Host)
        };
        let value = value.map_err(|problem| Error::Node {
            node: format!("value '{name}'"),
            problem,
        })?;
        let slot = self.add(name, location);
        self.constants.push((slot, value));
        Ok(Some(slot))
    }

    /// The values of slots that hold a single constant.
    fn numbers_of(&self, weights: &[Weight]) -> HashMap<usize, f64> {
        let fixed = self.weights.iter().filter_map(|&(slot, number)| {
            let weight = weights.get(number).filter(|weight| !weight.trainable)?;
            let tensor = self.graph.initializers.get(&weight.name)?;
            let values = (tensor.elements() == 1).then(|| tensor.to_f32().ok())??;
            Some((slot, f64::from(*values.first()?)))
        });
        let constants = self.constants.iter().filter_map(|(slot, value)| {
            let single = value.dims().iter().product::<usize>() == 1;
            let values = single.then(|| value.to_vec().ok())??;
            Some((*slot, f64::from(*values.first()?)))
        });
        fixed.chain(constants).collect()
    }

    fn step(&mut self, node: &Node, op: &Op) -> Result<Step> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (index, name) in node.inputs.iter().enumerate() {
            inputs.push(match Role::of(node, index) {
                _ if name.is_empty() => None,
                Role::Configuration => None,
                _ => self.find(name)?,
            });
        }
        let unknown = TensorType {
            dtype: DataType::F32,
            dims: Vec::new(),
        };
        let types: Vec<TensorType> = node
            .outputs
            .iter()
            .map(|name| self.inference.get(name).unwrap_or(&unknown).clone())
            .collect();
        let floats = types.iter().any(|ty| ty.dtype.is_float());
        let first = inputs.first().copied().flatten();
        let first = first.map_or(Location::Host, |slot| self.locations[slot]);
        let on_host = !floats && ops::location_of_integers(op, first) == Location::Host;
        let statistics = [3, 4].map(|index| {
            let name = node.input(index)?;
            let of_batch = matches!(op, Op::BatchNormalization(_));
            self.numbers.get(name).copied().filter(|_| of_batch)
        });
        let input_dims = node.inputs.iter().map(|name| {
            let ty = self.inference.get(name);
            ty.map_or(Vec::new(), |ty| ty.dims.clone())
        });
        let input_dims = input_dims.collect();
        let mut outputs = Vec::with_capacity(types.len());
        for (name, ty) in node.outputs.iter().zip(&types) {
            let location = if !on_host && (ty.dtype.is_float() || !floats) {
                Location::Burn
            } else {
                Location::Host
            };
            outputs.push((!name.is_empty()).then(|| self.add(name, location)));
        }
        Ok(Step {
            node: node.place(),
            work: Work::Op(op.clone()),
            inputs,
            input_dims,
            outputs,
            types,
            on_host,
            statistics,
            dead: Vec::new(),
        })
    }
}
