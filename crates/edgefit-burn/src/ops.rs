//! Forward of each op; the backward follows from autodiff.

mod concat;
mod conv;
mod einsum;
mod elementwise;
mod matmul;
mod normalization;
mod pad;
mod passes;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod search;
mod slice;
mod softmax;
mod transpose;

pub(crate) use conv::{Kernel, is_single_product, kernel, scratch};
pub(crate) use normalization::{batch_norm, batch_norm_train};

use burn::tensor::{Device, Int, Tensor, TensorData};
use edgefit_graph::DataType;
use edgefit_graph::evaluate::evaluate;
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::{Op, PoolKind, Unary};

use crate::value::{Floats, Value, on_rank};

/// The inputs of an op; absent optional ones, and those that it has read already, are `None`.
pub(crate) struct Operands<'p> {
    pub values: Vec<Option<Value>>,
    /// Shapes of the inputs in the graph, where scalars have no dimension.
    pub dims: &'p [Vec<usize>],
    pub device: &'p Device,
}

impl Operands<'_> {
    /// Moves operand `index` out.
    fn take(&mut self, index: usize) -> Result<Value, String> {
        self.optional(index)
            .ok_or_else(|| format!("input {index} is missing"))
    }

    /// Moves operand `index` out, if it is there.
    fn optional(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index).and_then(Option::take)
    }

    /// Moves operand `index` out as floats.
    pub fn floats(&mut self, index: usize) -> Result<Floats, String> {
        self.take(index)?.into_floats(self.device)
    }

    /// Moves operand `index` out as floats, if it is there.
    fn optional_floats(&mut self, index: usize) -> Result<Option<Floats>, String> {
        let value = self.optional(index);
        value
            .map(|value| value.into_floats(self.device))
            .transpose()
    }

    /// Moves all operands out as floats.
    fn all_floats(&mut self) -> Result<Vec<Floats>, String> {
        (0..self.values.len())
            .map(|index| self.floats(index))
            .collect()
    }

    /// Moves operand `index` out as a tensor of a known rank.
    fn tensor<T: TryFrom<Floats, Error = String>>(&mut self, index: usize) -> Result<T, String> {
        self.floats(index)?.try_into()
    }

    /// Moves operand `index` out as a tensor in the host's memory.
    fn host(&mut self, index: usize) -> Result<edgefit_graph::Tensor, String> {
        self.take(index)?.to_host(&self.dims[index])
    }

    /// Runs `op` in the host's memory.
    pub fn evaluate(&self, op: &Op, types: &[TensorType]) -> Result<Vec<Value>, String> {
        let inputs = self.values.iter().zip(self.dims);
        let inputs = inputs
            .map(|(value, dims)| value.as_ref().map(|value| value.to_host(dims)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<Option<&edgefit_graph::Tensor>> =
            inputs.iter().map(Option::as_ref).collect();
        let outputs = evaluate(op, &inputs, types)
            .ok_or("it is not supported for these integers or booleans, or has no result")?;
        Ok(outputs.into_iter().map(Value::Host).collect())
    }
}

/// Whether `op` makes integers that stay in burn: those of quantisation, `quantized` if they are
/// its first input, so that gradients get through.
pub(crate) fn keeps_integers_in_burn(op: &Op, quantized: bool) -> bool {
    match op {
        Op::Quantize(_) => true,
        Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Squeeze(_)
        | Op::Unsqueeze(_)
        | Op::Transpose(_)
        | Op::Concat(_)
        | Op::Slice(_)
        | Op::Split(_)
        | Op::Unary(Unary::Identity | Unary::Relu | Unary::Clip { .. }) => quantized,
        Op::Pool(pool) => quantized && pool.kind == PoolKind::Max,
        _ => false,
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
            return normalization::batch_norm_as_filed(op, x, types.len());
        }
        Op::LayerNormalization(norm) => return normalization::layer(norm, x, types.len()),
        Op::GroupNormalization(norm) => normalization::group(norm, x)?,
        Op::Gemm(gemm) => matmul::gemm(gemm, x)?,
        Op::MatMul(_) => matmul::matmul(x, dims)?,
        Op::Einsum(einsum) => einsum::forward(einsum, x, dims.len())?,
        Op::Unary(unary) => elementwise::unary(*unary, x.floats(0)?)?,
        Op::Binary(binary) => elementwise::binary(*binary, x, dims.len())?,
        Op::Variadic(variadic) => elementwise::variadic(*variadic, x, dims.len())?,
        Op::Where => elementwise::choose(x, dims)?,
        Op::Pool(pool) => {
            let places = (types.len() > 1)
                .then(|| x.evaluate(op, types))
                .transpose()?;
            let values = pool::forward(pool, x.floats(0)?, x.device)?;
            let places = places.into_iter().flatten().skip(1);
            return Ok(std::iter::once(values.into()).chain(places).collect());
        }
        Op::Reduce(reduce) => reduce::forward(reduce, x.floats(0)?)?.reshape(dims)?,
        Op::Softmax(softmax) => softmax::forward(*softmax, x.floats(0)?)?,
        Op::Concat(concat) => concat::forward(*concat, x)?,
        Op::Split(split) => return concat::split(split, x.floats(0)?),
        Op::Slice(slice) => slice::forward(slice, x.floats(0)?)?,
        Op::Gather(gather) => slice::gather(*gather, x, dims)?,
        Op::GatherNd(_) => slice::gather_rows(x, dims)?,
        Op::ScatterNd(_) => slice::scatter_rows(x)?,
        Op::Cast(to) => cast(*to, x)?,
        Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
            x.floats(0)?.reshape(dims)?
        }
        Op::Transpose(transpose) => transpose::forward(transpose, x.floats(0)?)?,
        Op::BlockMove(block) => transpose::blocks(*block, x.floats(0)?)?,
        Op::Expand(_) => expand(x.floats(0)?, dims)?,
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

/// `x` repeated along dimensions of size 1 until it has the shape `dims`.
fn expand(x: Floats, dims: &[usize]) -> Result<Floats, String> {
    let x = x.padded_to(dims.len())?;
    Ok(on_rank!(x, x => {
        let mut shape = x.dims();
        shape.iter_mut().zip(dims).for_each(|(size, wanted)| *size = *wanted);
        x.expand(shape).into()
    }))
}

/// Floats, or integers made floats, as 32-bit floats that hold what `to` can; the gradient goes
/// straight through the rounding.
fn cast(to: DataType, operands: &mut Operands) -> Result<Floats, String> {
    let x = operands.floats(0)?;
    if !matches!(to, DataType::F16 | DataType::BF16) {
        return Ok(x);
    }
    let dims = x.dims();
    let values = x.to_vec().map_err(|error| error.to_string())?;
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    let rounded = edgefit_graph::Tensor::from_f64(to, dims, &values);
    let rounded = Value::Host(rounded.ok_or("it has no result")?).into_floats(operands.device)?;
    on_rank!(x, x => {
        let difference = Tensor::sub(rounded.try_into()?, x.clone()).detach();
        Ok((x + difference).into())
    })
}

/// Indices as burn takes them.
fn indices(positions: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let count = positions.len();
    let positions: Vec<i64> = positions.into_iter().map(|at| at as i64).collect();
    Tensor::from_data(TensorData::new(positions, [count]), device)
}
