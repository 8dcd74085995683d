//! [`Op`]: a node's operator with everything that an executor or a cost model needs.

use super::concat::Concat;
use super::conv::{Conv, ConvTranspose};
use super::cum_sum::CumSum;
use super::depth_to_space::BlockMove;
use super::einsum::Einsum;
use super::elementwise::{Binary, Unary, Variadic};
use super::expand::{Expand, Tile};
use super::gather::{Gather, GatherNd, ScatterNd};
use super::generate::{ConstantOfShape, Range, Shape};
use super::matmul::{Gemm, MatMul};
use super::normalization::{BatchNormalization, GroupNormalization, LayerNormalization};
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
use crate::tensor::{DataType, Tensor};

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
