//! A model of floats as a LiteRT model, straight from its graph.
//!
//! Values are *views*: a tensor, and which dimension of the model each of its dimensions is. Images have their
//! channels last, so that a Transpose costs nothing and none is added where the ops of the model agree.

mod elementwise;
mod spatial;
mod view;
mod weighted;

use std::collections::{HashMap, HashSet};

use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::{Op as Meaning, PadFill, ReduceKind, Unary};
use edgefit_graph::preprocessing::Layout;
use edgefit_graph::rewrite::{fold_batch_norm, prune};
use edgefit_graph::topology::Topology;
use edgefit_graph::{
    DataType, Dim, Graph, ImageInput, Node, Preprocessing, ValueInfo, ValueType, labels,
};

use super::arena::Arena;
use super::model::Model;
use super::schema::Activation;
use super::tensor::Tensor;
use super::{Planning, Refused, planned, refusal};
use crate::error::{Error, Refusal, Result};
use crate::lower::{channels_last, output_order, scaler};
use crate::program::places;
use view::View;

/// A model of floats as a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatFile {
    /// Its bytes: the model, and behind it the labels as an archive, where there are some.
    pub bytes: Vec<u8>,
    /// Number of its operators.
    pub operators: usize,
    /// Number of its transpositions: of ops that do not agree on where channels lie.
    pub transpositions: usize,
    /// Bytes of weights and other constants.
    pub weights_bytes: u64,
    /// Number of labels.
    pub labels: usize,
    /// Bytes that its values need at once, as they are planned.
    pub arena_bytes: u64,
    /// Who plans the arena of TensorFlow Lite for Microcontrollers.
    pub planning: Planning,
    /// Its input.
    pub input: FloatPort,
    /// Its output.
    pub output: FloatPort,
}

/// An input or output of floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatPort {
    /// Sizes as they lie in memory.
    pub dims: Vec<usize>,
    /// For each of them, which dimension of the model it is.
    pub order: Vec<usize>,
}

impl FloatPort {
    /// `values`, which are in the order of the model, as they lie in memory.
    pub fn to_memory(&self, values: &[f32]) -> Vec<f32> {
        let places = places(&self.dims, &self.order);
        let value = |&place: &usize| values.get(place).copied().unwrap_or(0.0);
        places.iter().map(value).collect()
    }

    /// The other way.
    pub fn to_model(&self, memory: &[f32]) -> Vec<f32> {
        let mut values = vec![0.0; memory.len()];
        for (&place, &value) in places(&self.dims, &self.order).iter().zip(memory) {
            if let Some(to) = values.get_mut(place) {
                *to = value;
            }
        }
        values
    }
}

/// The file of `graph`, whose input holds one sample.
///
/// # Errors
/// It takes or gives more than one value or other than 32-bit floats, has nodes without a form in LiteRT, all of
/// which the error lists, or more bytes than a file can have.
pub fn float_file(graph: &Graph, planning: Planning) -> Result<FloatFile> {
    let mut graph = graph.clone();
    prune(&mut graph);
    fold_batch_norm(&mut graph)?;
    let graph = &graph;
    let input = only_input(graph)?;
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    let topology = Topology::of(graph);
    let mut lowering = Lowering {
        graph,
        inference: &inference,
        topology: &topology,
        model: Model::default(),
        known: HashMap::new(),
        refused: HashSet::new(),
        refusals: Vec::new(),
    };
    let from = lowering.begin(input)?;
    for (node, op) in graph.nodes.iter().zip(&inference.ops) {
        lowering.node(node, op.as_ref());
    }
    let to = lowering.end()?;
    let model = lowering.model;
    let labels = labels::of(graph)?.unwrap_or_default();
    let preprocessing = Preprocessing::of(graph)?;
    let scaler = scaler(graph, (&from.dims, &from.order))?;
    let constants = model
        .tensors
        .iter()
        .filter_map(|tensor| tensor.data.as_ref());
    let arena = Arena::of(&model);
    Ok(FloatFile {
        weights_bytes: constants.map(|data| data.len() as u64).sum(),
        operators: model.operators.len(),
        transpositions: model.transpositions(),
        arena_bytes: arena.bytes,
        planning,
        bytes: super::packed(
            (&model, planned(&arena, planning)),
            (preprocessing.as_ref(), scaler.as_ref()),
            &labels,
        )?,
        labels: labels.len(),
        input: from,
        output: to,
    })
}

/// The input that a model can have: one, of floats, of one sample.
fn only_input(graph: &Graph) -> Result<&ValueInfo> {
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(Error::Border {
            place: "graph inputs".into(),
            problem: format!("there are {}; what is exported has one", inputs.len()),
        });
    };
    let border = |problem: String| Error::Border {
        place: format!("graph input '{}'", input.name),
        problem,
    };
    if let ValueType::Tensor { dtype, .. } = &input.ty
        && *dtype != DataType::F32
    {
        return Err(border(format!(
            "takes {dtype}; export the model with 32-bit floats"
        )));
    }
    if let Some([Dim::Known(batch @ 2..), ..]) = input.dims() {
        return Err(border(format!(
            "is for batches of {batch}, and what is exported takes one sample; export it for one, or with a dynamic \
             batch"
        )));
    }
    Ok(input)
}

/// A graph on its way into a model.
struct Lowering<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: &'g Topology<'g>,
    model: Model,
    known: HashMap<&'g str, View>,
    /// Values without a shape, of nodes without a form.
    refused: HashSet<&'g str>,
    refusals: Vec<Refusal>,
}

/// A node, and the value that it makes.
#[derive(Clone, Copy)]
struct At<'g> {
    node: &'g Node,
    output: &'g str,
}

impl At<'_> {
    /// The name of something of the node.
    fn own(&self, what: &str) -> String {
        format!("{}_{what}", self.node.label())
    }
}

impl<'g> Lowering<'g> {
    fn begin(&mut self, input: &'g ValueInfo) -> Result<FloatPort> {
        let ty = self.inference.get(&input.name);
        let dims = ty.map(|ty| ty.dims.clone()).ok_or_else(|| Error::Border {
            place: format!("graph input '{}'", input.name),
            problem: "its shape is not known; give --input-shape".into(),
        })?;
        let image = ImageInput::of(self.graph).ok();
        let order = match image.map(|image| image.layout) {
            Some(Layout::ChannelsLast) => (0..dims.len()).collect(),
            _ => channels_last(dims.len()),
        };
        let view = self.value("input", dims, order);
        self.model.input = view.tensor;
        let port = view.port();
        self.known.insert(&input.name, view);
        Ok(port)
    }

    fn end(&mut self) -> Result<FloatPort> {
        if !self.refusals.is_empty() {
            return Err(Error::NoForm(std::mem::take(&mut self.refusals)));
        }
        let [output] = self.graph.outputs.as_slice() else {
            return Err(Error::Border {
                place: "graph outputs".into(),
                problem: format!(
                    "there are {}; what is exported has one",
                    self.graph.outputs.len()
                ),
            });
        };
        let border = |problem: String| Error::Border {
            place: format!("graph output '{}'", output.name),
            problem,
        };
        let view = self.known.get(output.name.as_str()).cloned();
        let view = view.ok_or_else(|| border("it is not computed from the input".into()))?;
        let order = output_order(&view.dims, &view.order);
        let view = self.arranged(&output.name, &view, &order).map_err(border)?;
        self.model.output = view.tensor;
        Ok(view.port())
    }

    /// Adds the operators of a node, or notes why it has none.
    fn node(&mut self, node: &'g Node, op: Option<&'g Meaning>) {
        let mut outputs = node.present_outputs();
        let Some(output) = outputs.next() else {
            return;
        };
        let is_there = self.known.contains_key(output) || self.inference.is_folded(output);
        if is_there || matches!(op, Some(Meaning::Constant(_))) {
            return;
        }
        let is_read =
            |name: &str| self.topology.is_output(name) || !self.topology.consumers(name).is_empty();
        let made = match op {
            _ if node
                .present_inputs()
                .any(|name| self.refused.contains(name)) =>
            {
                self.refused.insert(output);
                return;
            }
            None => Err(self.why_unsupported(node)),
            Some(_) if outputs.any(is_read) => Err("it has several outputs".into()),
            Some(op) => self.meaning(At { node, output }, op),
        };
        if let Err(reason) = made {
            self.refusals.push(refusal(node.label(), &node.op, reason));
            // What reads it is looked at as if it were there.
            match self.dims(output) {
                Ok(dims) => {
                    let order = channels_last(dims.len());
                    let view = self.value(node.label(), dims, order);
                    self.known.insert(output, view);
                }
                Err(_) => {
                    self.refused.insert(output);
                }
            }
        }
    }

    fn why_unsupported(&self, node: &Node) -> String {
        let mut listed = self.inference.unsupported.iter();
        let found = listed.find(|listed| listed.nodes.iter().any(|name| name == node.label()));
        found.map_or_else(
            || "this operator is not known".into(),
            |found| found.reason.to_string(),
        )
    }

    fn meaning(&mut self, at: At<'g>, op: &'g Meaning) -> Refused<()> {
        match op {
            Meaning::Unary(Unary::Identity) | Meaning::Dropout { .. } => {
                let view = self.view(at, 0)?;
                self.known.insert(at.output, view);
                Ok(())
            }
            Meaning::Conv(conv) => self.conv(at, conv),
            Meaning::Gemm(gemm) => self.fully_connected(at, Some(gemm)),
            Meaning::MatMul(_) => self.fully_connected(at, None),
            Meaning::BatchNormalization(norm) if !norm.training_mode => {
                self.normalized(at, norm.epsilon)
            }
            Meaning::Unary(function) => self.function(at, *function),
            Meaning::Binary(function) => self.both(at, *function),
            Meaning::Pool(pool) => self.pool(at, pool),
            Meaning::Reduce(reduce) if reduce.kind == ReduceKind::Mean => self.mean(at, reduce),
            Meaning::Softmax(softmax) if !softmax.log && !softmax.to_the_end => {
                self.softmax(at, softmax)
            }
            Meaning::Reshape(_)
            | Meaning::Flatten(_)
            | Meaning::Squeeze(_)
            | Meaning::Unsqueeze(_) => self.reshaped(at),
            Meaning::Transpose(transpose) => {
                let view = self.plain_view(at, 0)?;
                let permutation = transpose.permutation(view.dims.len())?;
                self.known.insert(at.output, view.transposed(&permutation));
                Ok(())
            }
            Meaning::Concat(concat) => self.concat(at, concat),
            Meaning::Pad(pad) => match pad.fill {
                PadFill::Constant(value) => self.pad(at, pad, value),
                _ => Err("it repeats elements; pad with a constant".into()),
            },
            Meaning::Resize(resize) => self.resize(at, resize),
            _ => Err(
                "it has no form in LiteRT here; cut it off, or write it in ops that have one"
                    .into(),
            ),
        }
    }

    /// The function behind `output` that an op takes in, and the value that it makes.
    fn activation(&self, output: &'g str) -> (Activation, &'g str) {
        let none = (Activation::None, output);
        let Some(next) = self.topology.sole_consumer(output) else {
            return none;
        };
        let activation = match &self.inference.ops[next] {
            Some(Meaning::Unary(Unary::Relu)) => Activation::Relu,
            Some(Meaning::Unary(Unary::Clip { min, max })) => match [*min, *max] {
                [0.0, 6.0] => Activation::Relu6,
                [-1.0, 1.0] => Activation::ReluN1To1,
                [0.0, f64::INFINITY] => Activation::Relu,
                _ => return none,
            },
            _ => return none,
        };
        let mut outputs = self.graph.nodes[next].present_outputs();
        outputs.next().map_or(none, |last| (activation, last))
    }

    /// A constant of floats.
    fn constant(&self, at: At<'g>, input: usize) -> Refused<Option<(Vec<usize>, Vec<f32>)>> {
        let Some(name) = at.node.input(input) else {
            return Ok(None);
        };
        let Some(tensor) = self.graph.initializers.get(name) else {
            return Ok(None);
        };
        let values = tensor.to_f32().map_err(|error| error.to_string())?;
        Ok(Some((tensor.dims().to_vec(), values)))
    }

    /// A new tensor of a value, with the dimensions of the model `dims` in `order`.
    fn value(&mut self, name: &str, dims: Vec<usize>, order: Vec<usize>) -> View {
        let memory: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
        let tensor = self.model.tensor(Tensor::of_floats(name, &memory));
        View {
            tensor,
            dims,
            order,
            columns: None,
        }
    }

    /// The shape of a value.
    fn dims(&self, name: &str) -> Refused<Vec<usize>> {
        let ty = self.inference.get(name);
        ty.map(|ty| ty.dims.clone())
            .ok_or_else(|| "its shape is not known".into())
    }
}
