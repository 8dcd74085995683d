use burn::tensor::Tensor;
use burn::tensor::ops::PadMode;
use edgefit_graph::ops::{Concat, Pad, Transpose};

use super::Operands;
use crate::value::{Value, on_rank};

pub(super) fn concat(concat: Concat, operands: Operands) -> Result<Value, String> {
    fn rest<const D: usize>(
        first: Tensor<D>,
        others: impl Iterator<Item = Value>,
    ) -> Result<Vec<Tensor<D>>, String>
    where
        Tensor<D>: TryFrom<Value, Error = String>,
    {
        std::iter::once(Ok(first))
            .chain(others.map(Tensor::try_from))
            .collect()
    }
    let mut values = operands.0.into_iter().flatten();
    let first = values.next().ok_or("nothing to concatenate")?;
    let axis = concat.axis(first.dims().len())?;
    on_rank!(first, first => Ok(Tensor::cat(rest(first, values)?, axis).into()))
}

pub(super) fn transpose(transpose: &Transpose, x: Value) -> Result<Value, String> {
    let permutation = transpose.permutation(x.dims().len())?;
    on_rank!(x, x => {
        let axes = std::array::from_fn(|axis| permutation[axis] as isize);
        Ok(x.permute(axes).into())
    })
}

pub(super) fn pad(pad: &Pad, x: Value) -> Result<Value, String> {
    fn padded<const D: usize>(x: Tensor<D>, pairs: &[(usize, usize)], value: f32) -> Tensor<D> {
        let pairs: [(usize, usize); D] = std::array::from_fn(|axis| pairs[axis]);
        x.pad(pairs, PadMode::Constant(value))
    }
    let pairs = pad.amounts(x.dims().len())?;
    on_rank!(x, x => Ok(padded(x, &pairs, pad.value).into()))
}
