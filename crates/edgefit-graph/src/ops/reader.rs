//! [`OpReader`]: nodes to typed ops, with defaults filled in and opset differences resolved.

use std::collections::HashMap;

use super::concat::Concat;
use super::context::{Context, unsupported};
use super::conv::{Conv, ConvTranspose};
use super::cum_sum::CumSum;
use super::depth_to_space::BlockMove;
use super::einsum::Einsum;
use super::elementwise::{Binary, Unary, Variadic};
use super::expand::{Expand, Tile};
use super::gather::{Gather, GatherNd, ScatterNd};
use super::generate::{ConstantOfShape, Range, Shape, constant_of};
use super::known_constants::KnownConstants;
use super::matmul::{Gemm, MatMul};
use super::normalization::{BatchNormalization, GroupNormalization, LayerNormalization};
use super::op::Op;
use super::pad::Pad;
use super::pool::Pool;
use super::quantize::Quantize;
use super::reduce::Reduce;
use super::reshape::{Flatten, Reshape, Squeeze, Unsqueeze};
use super::resize::Resize;
use super::slice::Slice;
use super::softmax::Softmax;
use super::split::Split;
use super::top_k::{ArgReduce, TopK};
use super::transpose::Transpose;
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::tensor::Tensor;
use crate::unsupported::UnsupportedReason;

/// Reads the meaning of nodes of one graph.
///
/// Many ops take a shape, axes or limits as an input. The reader has to know them; it starts with
/// the initializers, and [`OpReader::learn`] tells it what has been computed since.
pub struct OpReader<'g> {
    constants: KnownConstants<'g>,
}

impl<'g> OpReader<'g> {
    /// A reader for the nodes of `graph`.
    pub fn new(graph: &'g Graph) -> Self {
        OpReader {
            constants: KnownConstants::new(graph),
        }
    }

    /// Adds `tensor`, the value called `name`, to what is known.
    pub fn learn(&mut self, name: &str, tensor: Tensor) {
        self.constants.learn(name, tensor);
    }

    /// Drops what was learnt of the value `name`.
    pub fn forget(&mut self, name: &str) -> Option<Tensor> {
        self.constants.forget(name)
    }

    /// What has been learnt.
    pub fn into_learnt(self) -> HashMap<String, Tensor> {
        self.constants.into_learnt()
    }

    /// The tensor behind `name` if it is known before the model runs.
    pub fn constant(&self, name: &str) -> Option<&Tensor> {
        self.constants.get(name)
    }

    /// The meaning of `node`.
    ///
    /// ```
    /// use edgefit_graph::ops::{Op, OpReader, Unary};
    /// use edgefit_graph::{Graph, Node};
    ///
    /// let graph = Graph::new("example", 17);
    /// let reader = OpReader::new(&graph);
    /// let node = Node::new("HardSigmoid", "gate", &["x"], &["y"]);
    /// let (alpha, beta) = (0.2, 0.5); // the defaults of the specification
    /// assert_eq!(reader.read(&node)?, Op::Unary(Unary::HardSigmoid { alpha, beta }));
    ///
    /// let unknown = Node::new("Frobnicate", "odd", &["x"], &["y"]);
    /// assert!(reader.read(&unknown).is_err());
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] for an operator or a form of it that edgefit does not know,
    /// [`crate::Error::Invalid`] for attributes that break the specification.
    pub fn read(&self, node: &Node) -> Result<Op> {
        if !node.is_onnx() {
            return Err(unsupported(node, UnsupportedReason::NotOnnxDomain));
        }
        let context = Context {
            constants: &self.constants,
            node,
        };
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
            "Constant" => Op::Constant(
                constant_of(node)
                    .ok_or_else(|| unsupported(node, UnsupportedReason::ConstantKind))?,
            ),
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
                    return Err(unsupported(node, UnsupportedReason::UnknownOperator));
                }
            }
        })
    }
}
