//! What a node means: typed, with defaults filled in and opset differences resolved.

mod concat;
mod context;
mod conv;
mod einsum;
mod elementwise;
mod expand;
mod make;
mod matmul;
mod normalization;
mod pad;
mod pool;
mod quantize;
mod reduce;
mod reshape;
mod resize;
mod role;
mod search;
mod slice;
mod softmax;
mod transpose;
mod window;

pub use concat::{Concat, Split};
pub use conv::{Conv, ConvTranspose, Stretch};
pub use einsum::Einsum;
pub use elementwise::{Binary, Unary, Variadic, broadcast};
pub use expand::{Expand, Tile};
pub use make::{ConstantOfShape, Range, Shape, constant_of};
pub use matmul::{Gemm, MatMul};
pub use normalization::{BatchNormalization, GroupNormalization, LayerNormalization};
pub use pad::{Pad, PadFill};
pub use pool::{Pool, PoolKind};
pub use quantize::Quantize;
pub use reduce::{Axes, Reduce, ReduceKind};
pub use reshape::{Flatten, Reshape, Squeeze, Unsqueeze};
pub use resize::{Resize, Taps};
pub use role::Role;
pub use search::{ArgReduce, CumSum, TopK};
pub use slice::{Gather, GatherNd, Picked, ScatterNd, Slice};
pub use softmax::Softmax;
pub use transpose::{BlockKind, BlockMove, BlockSteps, Transpose};
pub use window::{Extent, Padding, Window};

use context::Context;
use std::collections::HashMap;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::infer::TensorType;
use crate::tensor::{DataType, Tensor, checked_elements};

impl Unsupported {
    /// Whether nothing is wrong but that a value was not known.
    pub(crate) fn wants_constant(&self) -> bool {
        self.reason.ends_with(DEPENDS)
    }
}

/// How the reason ends when an op takes as an input what has to be known beforehand.
const DEPENDS: &str = "depends on what the model computes";

/// Element type and shape of a result, or why there is none.
type Same = Result<(DataType, Vec<usize>), String>;

/// An operator with everything that an executor or a cost model needs to know of it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Op {
    Conv(Conv),
    ConvTranspose(ConvTranspose),
    BatchNormalization(BatchNormalization),
    LayerNormalization(LayerNormalization),
    GroupNormalization(GroupNormalization),
    Gemm(Gemm),
    MatMul(MatMul),
    Einsum(Einsum),
    Unary(Unary),
    Binary(Binary),
    Variadic(Variadic),
    /// The second input where the first is true, else the third.
    Where,
    Pool(Pool),
    Reduce(Reduce),
    Softmax(Softmax),
    Concat(Concat),
    Split(Split),
    Slice(Slice),
    Gather(Gather),
    GatherNd(GatherNd),
    ScatterNd(ScatterNd),
    Flatten(Flatten),
    Reshape(Reshape),
    Squeeze(Squeeze),
    Unsqueeze(Unsqueeze),
    Transpose(Transpose),
    BlockMove(BlockMove),
    Expand(Expand),
    Tile(Tile),
    Pad(Pad),
    Resize(Resize),
    /// Zeroes each element with probability `ratio` in training; the identity in eval mode.
    Dropout {
        ratio: f32,
    },
    Constant(Tensor),
    ConstantOfShape(ConstantOfShape),
    Range(Range),
    Shape(Shape),
    /// Number of elements.
    Size,
    Cast(DataType),
    CumSum(CumSum),
    ArgReduce(ArgReduce),
    TopK(TopK),
    Quantize(Quantize),
    Dequantize(Quantize),
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
///
/// Many ops take a shape, axes or limits as an input. The reader has to know them; it starts with
/// the initializers, and [`OpReader::learn`] tells it what has been computed since.
pub struct OpReader<'g> {
    graph: &'g Graph,
    learnt: HashMap<String, Tensor>,
}

impl<'g> OpReader<'g> {
    /// A reader for the nodes of `graph`.
    pub fn new(graph: &'g Graph) -> Self {
        OpReader {
            graph,
            learnt: HashMap::new(),
        }
    }

    /// Takes note of the value `name`.
    pub fn learn(&mut self, name: &str, tensor: Tensor) {
        self.learnt.insert(name.to_owned(), tensor);
    }

    /// Drops what was learnt of the value `name`.
    pub fn forget(&mut self, name: &str) -> Option<Tensor> {
        self.learnt.remove(name)
    }

    /// What has been learnt.
    pub fn into_learnt(self) -> HashMap<String, Tensor> {
        self.learnt
    }

    /// The tensor behind `name` if it is known before the model runs.
    pub fn constant(&self, name: &str) -> Option<&Tensor> {
        let initializer = || self.graph.initializers.get(name);
        self.learnt.get(name).or_else(initializer)
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
            "ConvTranspose" => Op::ConvTranspose(ConvTranspose::read(&context)?),
            "BatchNormalization" => Op::BatchNormalization(BatchNormalization::read(&context)?),
            "LayerNormalization" => Op::LayerNormalization(LayerNormalization::read(&context)?),
            "InstanceNormalization" | "GroupNormalization" => {
                Op::GroupNormalization(GroupNormalization::read(&context)?)
            }
            "Gemm" => Op::Gemm(Gemm::read(&context)?),
            "MatMul" => Op::MatMul(MatMul),
            "Einsum" => Op::Einsum(Einsum::read(&context)?),
            "Where" => Op::Where,
            "MaxPool" | "AveragePool" => Op::Pool(Pool::read(&context)?),
            "Softmax" | "LogSoftmax" => Op::Softmax(Softmax::read(&context)?),
            "Concat" => Op::Concat(Concat::read(&context)?),
            "Split" => Op::Split(Split::read(&context)?),
            "Slice" => Op::Slice(Slice::read(&context)?),
            "Gather" => Op::Gather(Gather::read(&context)?),
            "GatherND" => Op::GatherNd(GatherNd::read(&context)?),
            "ScatterND" => Op::ScatterNd(ScatterNd::read(&context)?),
            "Flatten" => Op::Flatten(Flatten::read(&context)?),
            "Reshape" => Op::Reshape(Reshape::read(&context)?),
            "Squeeze" => Op::Squeeze(Squeeze::read(&context)?),
            "Unsqueeze" => Op::Unsqueeze(Unsqueeze::read(&context)?),
            "Transpose" => Op::Transpose(Transpose::read(&context)?),
            "DepthToSpace" | "SpaceToDepth" => Op::BlockMove(BlockMove::read(&context)?),
            "Expand" => Op::Expand(Expand::read(&context)?),
            "Tile" => Op::Tile(Tile::read(&context)?),
            "Pad" => Op::Pad(Pad::read(&context)?),
            "Resize" | "Upsample" => Op::Resize(Resize::read(&context)?),
            "Dropout" => Op::Dropout {
                ratio: context.dropout_ratio()?,
            },
            "Constant" => Op::Constant(constant_of(node).ok_or_else(|| {
                unsupported(node, "a constant that is neither a tensor nor a number")
            })?),
            "ConstantOfShape" => Op::ConstantOfShape(ConstantOfShape::read(&context)?),
            "Range" => Op::Range(Range::read(&context)?),
            "Shape" => Op::Shape(Shape::read(&context)?),
            "Size" => Op::Size,
            "Cast" => Op::Cast(context.cast_type()?),
            "CumSum" => Op::CumSum(CumSum::read(&context)?),
            "ArgMax" | "ArgMin" => Op::ArgReduce(ArgReduce::read(&context)?),
            "TopK" => Op::TopK(TopK::read(&context)?),
            "QuantizeLinear" => Op::Quantize(Quantize::read(&context)?),
            "DequantizeLinear" => Op::Dequantize(Quantize::read(&context)?),
            name => {
                if let Some(variadic) = Variadic::named(name) {
                    Op::Variadic(variadic)
                } else if let Some(reduce) = Reduce::read(&context)? {
                    Op::Reduce(reduce)
                } else if let Some(binary) = Binary::read(&context)? {
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
    /// Types of `outputs` outputs for the given input types; an absent optional input is `None`.
    ///
    /// # Errors
    /// A sentence that says which shapes do not go together.
    pub fn infer(
        &self,
        inputs: &[Option<&TensorType>],
        outputs: usize,
    ) -> Result<Vec<TensorType>, String> {
        let input = |index: usize| -> Result<&TensorType, String> {
            inputs
                .get(index)
                .copied()
                .flatten()
                .ok_or_else(|| format!("input {index} is missing"))
        };
        let dims = |index: usize| input(index).map(|ty| ty.dims.as_slice());
        let all = || -> Result<Vec<&[usize]>, String> { (0..inputs.len()).map(dims).collect() };
        let same = |dims: Vec<usize>| -> Same { Ok((input(0)?.dtype, dims)) };
        let indices = |dims: Vec<usize>| -> Same { Ok((DataType::I64, dims)) };
        let one = match self {
            Op::Constant(tensor) => Ok((tensor.dtype(), tensor.dims().to_vec())),
            Op::ConstantOfShape(made) => Ok((made.value.dtype(), made.dims.clone())),
            Op::Range(range) => Ok((range.dtype, vec![range.count])),
            Op::Shape(shape) => indices(vec![shape.of(dims(0)?).len()]),
            Op::Size => indices(vec![]),
            Op::Cast(to) => Ok((*to, dims(0)?.to_vec())),
            Op::Conv(conv) => {
                let output = conv.infer(dims(0)?, dims(1)?)?;
                bias_fits(input(2).ok(), output[1])?;
                same(output)
            }
            Op::ConvTranspose(conv) => {
                let output = conv.infer(dims(0)?, dims(1)?)?;
                bias_fits(input(2).ok(), output[1])?;
                same(output)
            }
            Op::BatchNormalization(_) => {
                let statistics = [dims(1)?, dims(2)?, dims(3)?, dims(4)?];
                BatchNormalization::check(dims(0)?, statistics)?;
                let all = [input(0)?, input(3)?, input(4)?].map(Clone::clone);
                return Ok(all[..outputs.clamp(1, 3)].to_vec());
            }
            Op::LayerNormalization(norm) => {
                let weights: Vec<&[usize]> = (1..3).filter_map(|index| dims(index).ok()).collect();
                let reduced = norm.infer(dims(0)?, &weights)?;
                let x = input(0)?;
                let statistics = TensorType {
                    dtype: x.dtype,
                    dims: reduced,
                };
                return Ok(
                    [x.clone(), statistics.clone(), statistics][..outputs.clamp(1, 3)].to_vec(),
                );
            }
            Op::GroupNormalization(norm) => {
                norm.check(dims(0)?, [dims(1)?, dims(2)?])?;
                same(dims(0)?.to_vec())
            }
            Op::Gemm(gemm) => {
                let output = gemm.infer(dims(0)?, dims(1)?)?;
                if let Ok(c) = dims(2)
                    && broadcast(c, &output)? != output
                {
                    return Err(format!("C of shape {c:?} does not broadcast to {output:?}"));
                }
                same(output)
            }
            Op::MatMul(_) => same(matmul::infer(dims(0)?, dims(1)?)?),
            Op::Einsum(einsum) => same(einsum.infer(&all()?)?),
            Op::Binary(binary) => {
                let (a, b) = (input(0)?, input(1)?);
                binary.infer((&a.dims, a.dtype), (&b.dims, b.dtype))
            }
            Op::Variadic(_) => {
                let shapes = all()?;
                let first = shapes.first().ok_or("no operands")?.to_vec();
                same(
                    shapes
                        .into_iter()
                        .try_fold(first, |sum, dims| broadcast(&sum, dims))?,
                )
            }
            Op::Where => {
                let values = broadcast(dims(1)?, dims(2)?)?;
                Ok((input(1)?.dtype, broadcast(dims(0)?, &values)?))
            }
            Op::Pool(pool) => {
                let dims = pool.infer(dims(0)?)?;
                let values = TensorType {
                    dtype: input(0)?.dtype,
                    dims: dims.clone(),
                };
                let places = TensorType {
                    dtype: DataType::I64,
                    dims,
                };
                return Ok([values, places][..outputs.clamp(1, 2)].to_vec());
            }
            Op::Reduce(reduce) => same(reduce.infer(dims(0)?)?),
            Op::Concat(concat) => same(concat.infer(&all()?)?),
            Op::Split(split) => {
                let dtype = input(0)?.dtype;
                let pieces = split.infer(dims(0)?)?.into_iter();
                return Ok(pieces.map(|dims| TensorType { dtype, dims }).collect());
            }
            Op::Slice(slice) => same(slice.infer(dims(0)?)?),
            Op::Gather(gather) => same(gather.infer(dims(0)?, dims(1)?)?),
            Op::GatherNd(gather) => same(gather.infer(dims(0)?, dims(1)?)?),
            Op::ScatterNd(_) => {
                ScatterNd::check(dims(0)?, dims(1)?, dims(2)?)?;
                same(dims(0)?.to_vec())
            }
            Op::Flatten(flatten) => same(flatten.infer(dims(0)?)?),
            Op::Reshape(reshape) => same(reshape.infer(dims(0)?)?),
            Op::Squeeze(squeeze) => same(squeeze.infer(dims(0)?)?),
            Op::Unsqueeze(unsqueeze) => same(unsqueeze.infer(dims(0)?)?),
            Op::Transpose(transpose) => same(transpose.infer(dims(0)?)?),
            Op::BlockMove(block) => same(block.steps(dims(0)?)?.together.to_vec()),
            Op::Expand(expand) => same(expand.infer(dims(0)?)?),
            Op::Tile(tile) => same(tile.infer(dims(0)?)?),
            Op::Pad(pad) => same(pad.infer(dims(0)?)?),
            Op::Resize(resize) => same(resize.infer(dims(0)?)?),
            Op::ArgReduce(arg) => indices(arg.infer(dims(0)?)?),
            Op::TopK(top) => {
                let dims = top.infer(dims(0)?)?;
                let values = TensorType {
                    dtype: input(0)?.dtype,
                    dims: dims.clone(),
                };
                let dtype = DataType::I64;
                return Ok(vec![values, TensorType { dtype, dims }]);
            }
            Op::CumSum(sum) => {
                sum.axis(dims(0)?.len())?;
                same(dims(0)?.to_vec())
            }
            Op::Softmax(softmax) => {
                softmax.axis_index(dims(0)?.len())?;
                same(dims(0)?.to_vec())
            }
            Op::Quantize(quantize) => {
                quantize.scale_dims(dims(0)?, dims(1)?)?;
                zero_point_fits(dims(1)?, dims(2).ok())?;
                Ok((quantize.dtype, dims(0)?.to_vec()))
            }
            Op::Dequantize(quantize) => {
                quantize.scale_dims(dims(0)?, dims(1)?)?;
                zero_point_fits(dims(1)?, dims(2).ok())?;
                Ok((input(1)?.dtype, dims(0)?.to_vec()))
            }
            Op::Dropout { .. } => {
                let x = input(0)?;
                let mask = TensorType {
                    dtype: DataType::Bool,
                    dims: x.dims.clone(),
                };
                return Ok([x.clone(), mask][..outputs.clamp(1, 2)].to_vec());
            }
            Op::Unary(_) => same(dims(0)?.to_vec()),
        };
        let (dtype, dims) = one?;
        Ok(vec![TensorType { dtype, dims }])
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
        let elements = |dims: &[usize]| checked_elements(dims).unwrap_or(usize::MAX);
        let (times, each) = match self {
            // Weight (out, in / groups, kernel…): one output element sums over all but the first.
            Op::Conv(_) => (
                output.elements(),
                elements(dims(1).get(1..).unwrap_or_default()),
            ),
            // Weight (in, out / groups, kernel…): one input element goes to all but the first.
            Op::ConvTranspose(_) => (
                elements(dims(0)),
                elements(dims(1).get(1..).unwrap_or_default()),
            ),
            Op::Gemm(gemm) => (output.elements(), gemm.inner(dims(0))),
            Op::MatMul(_) => (output.elements(), dims(0).last().copied().unwrap_or(0)),
            Op::Einsum(einsum) if inputs.len() > 1 => {
                let all: Vec<&[usize]> = (0..inputs.len()).map(dims).collect();
                (output.elements(), einsum.inner(&all))
            }
            _ => (0, 0),
        };
        (times as u64).saturating_mul(each as u64)
    }
}

fn zero_point_fits(scale: &[usize], zero_point: Option<&[usize]>) -> Result<(), String> {
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    match zero_point {
        Some(dims) if count(dims) != count(scale) => Err(format!(
            "a zero point of shape {dims:?} does not go with a scale of {scale:?}"
        )),
        _ => Ok(()),
    }
}

fn bias_fits(bias: Option<&TensorType>, channels: usize) -> Result<(), String> {
    match bias {
        Some(bias) if bias.dims != [channels] => Err(format!(
            "a bias of shape {:?} does not go with {channels} output channels",
            bias.dims
        )),
        _ => Ok(()),
    }
}

/// The operators that edgefit cannot work with whatever the shapes are, each with all its nodes.
pub fn unsupported_ops(graph: &Graph) -> Vec<Unsupported> {
    let reader = OpReader::new(graph);
    let mut all = IndexMap::new();
    for node in &graph.nodes {
        if let Err(Error::Unsupported(mut more)) = reader.read(node) {
            more.retain(|unsupported| !unsupported.wants_constant());
            merge(&mut all, more);
        }
    }
    all.into_values().collect()
}

/// Adds `more` to what is known, by operator.
pub(crate) fn merge(all: &mut IndexMap<String, Unsupported>, more: Vec<Unsupported>) {
    for unsupported in more {
        match all.get_mut(&unsupported.op) {
            Some(known) => known.nodes.extend(unsupported.nodes),
            None => drop(all.insert(unsupported.op.clone(), unsupported)),
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
