//! What a node means: typed, with defaults filled in and opset differences resolved.

mod elementwise;
mod layout;
mod matmul;
mod normalization;
mod pool;
mod reduce;
mod softmax;
mod window;

mod conv;

pub use conv::Conv;
pub use elementwise::{Binary, Unary, broadcast};
pub use layout::{Concat, Flatten, Pad, Reshape, Squeeze, Transpose, Unsqueeze};
pub use matmul::{Gemm, MatMul};
pub use normalization::BatchNormalization;
pub use pool::{Pool, PoolKind};
pub use reduce::{Axes, Reduce, ReduceKind};
pub use softmax::Softmax;
pub use window::{Extent, Padding, Window};

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::infer::TensorType;
use crate::tensor::{Tensor, checked_elements};

/// An operator with everything that an executor or a cost model needs to know of it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Op {
    Conv(Conv),
    BatchNormalization(BatchNormalization),
    Gemm(Gemm),
    MatMul(MatMul),
    Unary(Unary),
    Binary(Binary),
    Pool(Pool),
    Reduce(Reduce),
    Softmax(Softmax),
    Concat(Concat),
    Flatten(Flatten),
    Pad(Pad),
    Reshape(Reshape),
    Squeeze(Squeeze),
    Transpose(Transpose),
    Unsqueeze(Unsqueeze),
    /// Zeroes each element with probability `ratio` in training; the identity in eval mode.
    Dropout {
        ratio: f32,
    },
    Constant(Tensor),
}

/// What an input of an op is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Flows through the network.
    Data,
    /// Weight that training may change, when an initializer stands behind it.
    Parameter,
    /// Mean or variance gathered in training, never reached by a gradient.
    RunningStatistic,
    /// Read once when the op was made: a shape, axes, limits.
    Configuration,
}

/// An op that edgefit cannot work with, and everywhere it occurs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unsupported {
    /// Operator, with its domain unless that is the ONNX one.
    pub op: String,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Why, for the first of them.
    pub reason: String,
}

/// Reads the meaning of nodes of one graph.
pub struct OpReader<'g> {
    graph: &'g Graph,
    constants: HashMap<&'g str, &'g Tensor>,
}

impl<'g> OpReader<'g> {
    /// A reader for the nodes of `graph`.
    pub fn new(graph: &'g Graph) -> Self {
        let made = graph
            .nodes
            .iter()
            .filter(|node| node.op == "Constant")
            .filter_map(|node| {
                let tensor = node.tensor("value").ok().flatten()?;
                Some((node.outputs.first()?.as_str(), tensor))
            });
        let stored = graph.initializers.iter();
        OpReader {
            graph,
            constants: stored
                .map(|(name, tensor)| (name.as_str(), tensor))
                .chain(made)
                .collect(),
        }
    }

    /// The tensor behind `name` if it is known before the model runs: an initializer or the output
    /// of a `Constant` node.
    pub fn constant(&self, name: &str) -> Option<&'g Tensor> {
        self.constants.get(name).copied()
    }

    /// The meaning of `node`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an operator or a form of it that edgefit does not know,
    /// [`Error::Invalid`] for attributes that break the specification.
    pub fn read(&self, node: &Node) -> Result<Op> {
        if !node.is_onnx() {
            return Err(unsupported(node, "not an operator of the ONNX domain"));
        }
        let context = Context { reader: self, node };
        Ok(match node.op.as_str() {
            "Conv" => Op::Conv(Conv::read(&context)?),
            "BatchNormalization" => Op::BatchNormalization(BatchNormalization::read(&context)?),
            "Gemm" => Op::Gemm(Gemm::read(&context)?),
            "MatMul" => Op::MatMul(MatMul),
            "MaxPool" | "AveragePool" => Op::Pool(Pool::read(&context)?),
            "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceSum" | "ReduceMax" => {
                Op::Reduce(Reduce::read(&context)?)
            }
            "Softmax" | "LogSoftmax" => Op::Softmax(Softmax::read(&context)?),
            "Concat" => Op::Concat(Concat::read(&context)?),
            "Flatten" => Op::Flatten(Flatten::read(&context)?),
            "Pad" => Op::Pad(Pad::read(&context)?),
            "Reshape" => Op::Reshape(Reshape::read(&context)?),
            "Squeeze" => Op::Squeeze(Squeeze::read(&context)?),
            "Transpose" => Op::Transpose(Transpose::read(&context)?),
            "Unsqueeze" => Op::Unsqueeze(Unsqueeze::read(&context)?),
            "Dropout" => Op::Dropout {
                ratio: context.dropout_ratio()?,
            },
            "Constant" => Op::Constant(
                node.tensor("value")?
                    .cloned()
                    .ok_or_else(|| unsupported(node, "a constant without the attribute 'value'"))?,
            ),
            _ => {
                if let Some(binary) = Binary::named(&node.op) {
                    Op::Binary(binary)
                } else if let Some(unary) = Unary::read(&context)? {
                    Op::Unary(unary)
                } else {
                    return Err(unsupported(node, "this operator is not known yet"));
                }
            }
        })
    }
}

impl Op {
    /// The meaning of every node, in graph order.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with all the ops that are not supported.
    pub fn of_all(graph: &Graph) -> Result<Vec<Op>> {
        let reader = OpReader::new(graph);
        let mut ops = Vec::with_capacity(graph.nodes.len());
        let mut missing = Vec::new();
        for node in &graph.nodes {
            match reader.read(node) {
                Ok(op) => ops.push(op),
                Err(Error::Unsupported(more)) => merge(&mut missing, more),
                Err(error) => return Err(error),
            }
        }
        if missing.is_empty() {
            Ok(ops)
        } else {
            Err(Error::Unsupported(missing))
        }
    }

    /// What input `index` is for.
    pub fn role(&self, index: usize) -> Role {
        match (self, index) {
            (Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) | Op::Pad(_), 1..)
            | (Op::Reduce(_) | Op::Dropout { .. }, 1..)
            | (Op::Unary(Unary::Clip { .. }), 1..) => Role::Configuration,
            (Op::BatchNormalization(_), 3 | 4) => Role::RunningStatistic,
            (Op::Conv(_) | Op::Gemm(_) | Op::BatchNormalization(_), 1..) => Role::Parameter,
            (Op::MatMul(_) | Op::Binary(_), _) => Role::Parameter,
            _ => Role::Data,
        }
    }

    /// Output types for the given input types; an absent optional input is `None`.
    ///
    /// # Errors
    /// A sentence that says which shapes do not go together.
    pub fn infer(&self, inputs: &[Option<&TensorType>]) -> Result<TensorType, String> {
        let input = |index: usize| -> Result<&TensorType, String> {
            inputs
                .get(index)
                .copied()
                .flatten()
                .ok_or_else(|| format!("input {index} is missing"))
        };
        if let Op::Constant(tensor) = self {
            return Ok(TensorType::of(tensor));
        }
        let x = input(0)?;
        let dims = match self {
            Op::Conv(conv) => {
                let dims = conv.infer(&x.dims, &input(1)?.dims)?;
                if let Ok(bias) = input(2)
                    && bias.dims != dims[1..2]
                {
                    return Err(format!(
                        "a bias of shape {:?} does not go with {} output channels",
                        bias.dims, dims[1]
                    ));
                }
                dims
            }
            Op::BatchNormalization(_) => {
                let statistics = [input(1)?, input(2)?, input(3)?, input(4)?];
                normalization::infer(&x.dims, statistics.map(|ty| ty.dims.as_slice()))?;
                x.dims.clone()
            }
            Op::Gemm(gemm) => {
                let dims = gemm.infer(&x.dims, &input(1)?.dims)?;
                if let Ok(c) = input(2)
                    && broadcast(&c.dims, &dims)? != dims
                {
                    return Err(format!(
                        "C of shape {:?} does not broadcast to {dims:?}",
                        c.dims
                    ));
                }
                dims
            }
            Op::MatMul(_) => matmul::infer(&x.dims, &input(1)?.dims)?,
            Op::Binary(_) => broadcast(&x.dims, &input(1)?.dims)?,
            Op::Pool(pool) => pool.infer(&x.dims)?,
            Op::Reduce(reduce) => reduce.infer(&x.dims)?,
            Op::Concat(concat) => {
                let all = (0..inputs.len())
                    .map(|index| input(index).map(|ty| ty.dims.as_slice()))
                    .collect::<Result<Vec<_>, _>>()?;
                concat.infer(&all)?
            }
            Op::Flatten(flatten) => flatten.infer(&x.dims)?,
            Op::Pad(pad) => pad.infer(&x.dims)?,
            Op::Reshape(reshape) => reshape.infer(&x.dims)?,
            Op::Squeeze(squeeze) => squeeze.infer(&x.dims)?,
            Op::Transpose(transpose) => transpose.infer(&x.dims)?,
            Op::Unsqueeze(unsqueeze) => unsqueeze.infer(&x.dims)?,
            Op::Unary(_) | Op::Softmax(_) | Op::Dropout { .. } | Op::Constant(_) => x.dims.clone(),
        };
        Ok(TensorType {
            dtype: x.dtype,
            dims,
        })
    }

    /// Multiply-accumulates of one run, counting convolutions and matrix products as is usual for
    /// published figures; everything else counts as none.
    pub fn macs(&self, inputs: &[Option<&TensorType>], output: &TensorType) -> u64 {
        let dims = |index: usize| {
            inputs
                .get(index)
                .copied()
                .flatten()
                .map_or(&[][..], |ty| ty.dims.as_slice())
        };
        let per_output: usize = match self {
            // Weight (out, in / groups, kernel…): one output element sums over all but the first.
            Op::Conv(_) => {
                checked_elements(dims(1).get(1..).unwrap_or_default()).unwrap_or(usize::MAX)
            }
            Op::Gemm(gemm) => gemm.inner(dims(0)),
            Op::MatMul(_) => dims(0).last().copied().unwrap_or(0),
            _ => 0,
        };
        (per_output as u64).saturating_mul(output.elements() as u64)
    }
}

pub(crate) fn merge(all: &mut Vec<Unsupported>, more: Vec<Unsupported>) {
    for unsupported in more {
        match all.iter_mut().find(|known| known.op == unsupported.op) {
            Some(known) => known.nodes.extend(unsupported.nodes),
            None => all.push(unsupported),
        }
    }
}

fn unsupported(node: &Node, reason: &str) -> Error {
    Error::Unsupported(vec![Unsupported {
        op: match node.domain.as_str() {
            "" => node.op.clone(),
            domain => format!("{domain}.{}", node.op),
        },
        nodes: vec![node.label().to_owned()],
        reason: reason.to_owned(),
    }])
}

/// A node and the graph it stands in, as the readers of ops see it.
struct Context<'a> {
    reader: &'a OpReader<'a>,
    node: &'a Node,
}

impl Context<'_> {
    fn opset(&self) -> i64 {
        self.reader.graph.opset()
    }

    fn unsupported(&self, reason: &str) -> Error {
        unsupported(self.node, reason)
    }

    fn invalid(&self, problem: impl Into<String>) -> Error {
        Error::invalid(self.node.place(), problem)
    }

    /// The constant behind input `index`; `None` when the input is absent.
    fn constant(&self, index: usize, what: &str) -> Result<Option<&Tensor>> {
        match self.node.input(index) {
            None => Ok(None),
            Some(name) => match self.reader.constant(name) {
                Some(tensor) => Ok(Some(tensor)),
                None => Err(self.unsupported(&format!("its {what} is computed, not constant"))),
            },
        }
    }

    fn constant_float(&self, index: usize, what: &str) -> Result<Option<f32>> {
        let Some(tensor) = self.constant(index, what)? else {
            return Ok(None);
        };
        match tensor.to_f32()?.as_slice() {
            [value] => Ok(Some(*value)),
            _ => Err(self.invalid(format!("its {what} is not a single number"))),
        }
    }

    /// Axes that moved from an attribute to input 1 at opset `since`.
    fn axes(&self, since: i64) -> Result<Option<Vec<i64>>> {
        if self.opset() < since {
            return Ok(self.node.ints("axes")?.map(<[i64]>::to_vec));
        }
        self.constant(1, "list of axes")?
            .map(Tensor::to_i64)
            .transpose()
    }

    fn dropout_ratio(&self) -> Result<f32> {
        let ratio = if self.opset() < 12 {
            self.node.float_or("ratio", 0.5)?
        } else {
            self.constant_float(1, "ratio")?.unwrap_or(0.5)
        };
        if (0.0..1.0).contains(&ratio) {
            Ok(ratio)
        } else {
            Err(self.invalid(format!("the dropout ratio {ratio} is not in 0 … 1")))
        }
    }
}

/// `axis` counted from the front, for a tensor of `rank` dimensions.
fn axis_index(axis: i64, rank: usize) -> Result<usize, String> {
    let signed = rank as i64;
    let index = if axis < 0 {
        axis.saturating_add(signed)
    } else {
        axis
    };
    usize::try_from(index)
        .ok()
        .filter(|&index| index < rank)
        .ok_or_else(|| format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
}
