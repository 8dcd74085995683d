//! Concat and Split.

use burn::tensor::Tensor;
use edgefit_graph::ops::{Concat, Split};

use super::operands::Operands;
use crate::value::{Floats, Value, on_rank};

pub(super) fn forward(concat: Concat, operands: &mut Operands) -> Result<Floats, String> {
    fn rest<const D: usize>(
        first: Tensor<D>,
        others: impl Iterator<Item = Floats>,
    ) -> Result<Vec<Tensor<D>>, String>
    where
        Tensor<D>: TryFrom<Floats, Error = String>,
    {
        std::iter::once(Ok(first))
            .chain(others.map(Tensor::try_from))
            .collect()
    }
    let mut values = operands.all_floats()?.into_iter();
    let first = values.next().ok_or("nothing to concatenate")?;
    let axis = concat.axis(first.dims().len())?;
    on_rank!(first, first => Ok(Tensor::cat(rest(first, values)?, axis).into()))
}

pub(super) fn split(split: &Split, x: Floats) -> Result<Vec<Value>, String> {
    let (axis, sizes) = split.pieces(&x.dims())?;
    Ok(on_rank!(x, x => {
        x.split_with_sizes(sizes, axis).into_iter().map(Value::from).collect()
    }))
}
