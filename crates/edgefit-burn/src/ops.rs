//! Forward of each op; the backward follows from autodiff.

mod conv;
mod elementwise;
mod layout;
mod matmul;
mod normalization;
mod pool;
mod reduce;
mod softmax;

pub(crate) use normalization::{batch_norm, batch_norm_train};

use edgefit_graph::ops::Op;

use crate::value::Value;

/// The inputs of an op; absent optional ones are `None`.
pub(crate) struct Operands(pub Vec<Option<Value>>);

impl Operands {
    /// Moves operand `index` out.
    pub fn take(&mut self, index: usize) -> Result<Value, String> {
        self.optional(index)
            .ok_or_else(|| format!("input {index} is missing"))
    }

    /// Moves operand `index` out, if it is there.
    pub fn optional(&mut self, index: usize) -> Option<Value> {
        self.0.get_mut(index).and_then(Option::take)
    }

    /// Moves operand `index` out as a tensor of a known rank.
    pub fn tensor<T: TryFrom<Value, Error = String>>(&mut self, index: usize) -> Result<T, String> {
        self.take(index)?.try_into()
    }
}

/// Runs `op`, whose result has the shape `dims`.
pub(crate) fn forward(op: &Op, mut operands: Operands, dims: &[usize]) -> Result<Value, String> {
    match op {
        Op::Conv(conv) => conv::forward(conv, &mut operands),
        Op::Gemm(gemm) => matmul::gemm(gemm, &mut operands),
        Op::MatMul(_) => matmul::matmul(&mut operands, dims),
        Op::Unary(unary) => Ok(elementwise::unary(*unary, operands.take(0)?)),
        Op::Binary(binary) => elementwise::binary(*binary, &mut operands, dims.len()),
        Op::Pool(pool) => pool::forward(pool, &mut operands),
        Op::Reduce(reduce) => reduce::forward(reduce, operands.take(0)?, dims),
        Op::Softmax(softmax) => softmax::forward(*softmax, operands.take(0)?),
        Op::Concat(concat) => layout::concat(*concat, operands),
        Op::Transpose(transpose) => layout::transpose(transpose, operands.take(0)?),
        Op::Pad(pad) => layout::pad(pad, operands.take(0)?),
        Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
            operands.take(0)?.reshape(dims)
        }
        Op::BatchNormalization(op) => batch_norm(op, &mut operands),
        Op::Dropout { .. } => operands.take(0),
        Op::Constant(_) => Err("constants are weights, not steps".into()),
    }
}
