//! Forward of each op; the backward follows from autodiff.

mod activation;
mod adamw;
mod attention;
mod cast;
mod channel_scale;
mod concat;
mod conv;
mod einsum;
mod elements;
mod elementwise;
mod expand;
mod fake_quantize;
mod float;
mod fused;
mod layer_norm;
mod linear;
mod matmul;
mod normalization;
mod operands;
mod pad;
mod planes;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod search;
mod slice;
mod softmax;
mod sums;
mod transpose;
mod weighted;

pub(crate) use activation::{Activation, Kept};
pub use adamw::AdamW;
pub(crate) use attention::{Attention, AttentionOperands};
pub(crate) use conv::{
    ConvolutionKernel, Dense, Purpose, Winograd, convolution_kernel, depthwise_scratch,
    is_single_product, pointwise_scratch,
};
pub(crate) use elementwise::is_gate;
pub(crate) use fake_quantize::FakeQuantize;
pub(crate) use fused::run_fused;
pub(crate) use linear::{Linear, Orientation};
pub(crate) use normalization::{batch_norm, batch_norm_train, rows_in_one_pass};
pub(crate) use operands::Operands;

use edgefit_graph::evaluate::evaluate;
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::{Op, PoolKind, Unary};

use crate::value::{Floats, Location, Value, on_rank};

/// Where `op` leaves integers that it makes: those of quantisation stay in burn, so that gradients get
/// through. `first` is where its first input lies.
pub(crate) fn location_of_integers(op: &Op, first: Location) -> Location {
    match op {
        Op::Quantize(_) => Location::Burn,
        Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Squeeze(_)
        | Op::Unsqueeze(_)
        | Op::Transpose(_)
        | Op::Concat(_)
        | Op::Slice(_)
        | Op::Split(_)
        | Op::Unary(Unary::Identity | Unary::Relu | Unary::Clip { .. }) => first,
        Op::Pool(pool) if pool.kind == PoolKind::Max => first,
        _ => Location::Host,
    }
}

/// Runs `op`, whose results have the types `types`.
pub(crate) fn forward(
    op: &Op,
    mut operands: Operands,
    types: &[TensorType],
) -> Result<Vec<Value>, String> {
    let dims = types.first().map_or(&[][..], |ty| ty.dims.as_slice());
    let x = &mut operands;
    let one: Floats = match op {
        Op::Conv(conv) => conv::forward(conv, x)?,
        Op::ConvTranspose(conv) => conv::transposed(conv, x)?,
        Op::BatchNormalization(op) => {
            return normalization::batch_norm_in_training_mode(op, x, types.len());
        }
        Op::LayerNormalization(norm) => return normalization::layer(norm, x, types.len()),
        Op::GroupNormalization(norm) => normalization::group(norm, x)?,
        Op::Gemm(gemm) => matmul::gemm(gemm, x, dims)?,
        Op::MatMul(_) => matmul::matmul(x, dims)?,
        Op::Einsum(einsum) => einsum::forward(einsum, x, dims.len())?,
        Op::Unary(unary) => elementwise::unary(*unary, x.floats(0)?)?,
        Op::Binary(binary) => elementwise::binary(*binary, x, dims.len())?,
        Op::Variadic(variadic) => elementwise::variadic(*variadic, x, dims.len())?,
        Op::Where => elementwise::choose(x, dims)?,
        Op::Pool(pool) => {
            let indices = (types.len() > 1)
                .then(|| x.evaluate(op, types))
                .transpose()?;
            let values = pool::forward(pool, x.floats(0)?, x.device)?;
            let indices = indices.into_iter().flatten().skip(1);
            return Ok(std::iter::once(values.into()).chain(indices).collect());
        }
        Op::Reduce(reduce) => reduce::forward(reduce, x.floats(0)?)?.reshape(dims)?,
        Op::Softmax(softmax) => softmax::forward(*softmax, x.floats(0)?)?,
        Op::Concat(concat) => concat::forward(*concat, x)?,
        Op::Split(split) => return concat::split(split, x.floats(0)?),
        Op::Slice(slice) => slice::forward(slice, x.floats(0)?)?,
        Op::Gather(gather) => slice::gather(*gather, x, dims)?,
        Op::GatherNd(_) => slice::gather_rows(x, dims)?,
        Op::ScatterNd(_) => slice::scatter_rows(x)?,
        Op::Cast(to) => cast::forward(*to, x)?,
        Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
            x.floats(0)?.reshape(dims)?
        }
        Op::Transpose(transpose) => transpose::forward(transpose, x.floats(0)?)?,
        Op::BlockMove(block) => transpose::blocks(*block, x.floats(0)?)?,
        Op::Expand(_) => expand::forward(x.floats(0)?, dims)?,
        Op::Tile(tile) => on_rank!(x.floats(0)?, x => x.repeat(tile.repeats()).into()),
        Op::Pad(pad) => pad::forward(pad, x.floats(0)?, x.device)?,
        Op::Resize(resize) => resize::forward(resize, x.floats(0)?, x.device)?,
        Op::CumSum(sum) => search::cumulative(*sum, x.floats(0)?)?,
        Op::TopK(top) => return search::top(*top, op, x, types),
        Op::Quantize(quantize) => quantize::forward(*quantize, x)?,
        Op::Dequantize(quantize) => quantize::backward(*quantize, x)?,
        Op::Dropout { .. } => x.floats(0)?,
        // What makes a tensor from nothing has been folded, unless it is large.
        Op::Constant(_) | Op::ConstantOfShape(_) | Op::Range(_) => {
            let made = evaluate(op, &[], types).and_then(|mut made| made.pop());
            Value::Host(made.ok_or("it has no result")?).into_floats(x.device)?
        }
        Op::Shape(_) | Op::Size | Op::ArgReduce(_) => {
            return Err("it makes integers, which are not computed in burn".into());
        }
    };
    Ok(vec![one.into()])
}
