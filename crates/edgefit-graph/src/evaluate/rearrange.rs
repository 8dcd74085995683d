//! Ops that only move elements: transpose, slice, gather, pad, concatenate, split.

use super::indexing::{
    blocks, offsets, resolve_indices, resolve_nd_indices, spread, strides, sums, take,
};
use crate::ops::{Op, PadFill};
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

/// The outputs of `op`, as [`super::evaluate`] gives them; `None` for an op that does more than
/// move elements.
pub(super) fn rearrange(
    op: &Op,
    inputs: &[Option<&Tensor>],
    outputs: &[TensorType],
) -> Option<Vec<Tensor>> {
    let ty = outputs.first()?;
    let input = |index: usize| inputs.get(index).copied().flatten();
    let x = input(0);
    let one = match op {
        Op::Transpose(transpose) => {
            let x = x?;
            let permutation = transpose.permutation(x.dims().len()).ok()?;
            let strides = strides(x.dims());
            let steps: Vec<usize> = permutation.iter().map(|&axis| strides[axis]).collect();
            take(x, offsets(&ty.dims, &steps, 0), ty)?
        }
        Op::Expand(_) => take(x?, spread(x?.dims(), &ty.dims), ty)?,
        Op::Tile(_) => {
            let (dims, strides) = (x?.dims(), strides(x?.dims()));
            let lines: Vec<Vec<usize>> = (0..dims.len())
                .map(|axis| {
                    (0..ty.dims[axis])
                        .map(|at| at % dims[axis] * strides[axis])
                        .collect()
                })
                .collect();
            take(x?, sums(&lines), ty)?
        }
        Op::Slice(slice) => {
            let strides = strides(x?.dims());
            let ranges = slice.ranges(x?.dims()).ok()?.into_iter().zip(strides);
            let lines: Vec<Vec<usize>> = ranges
                .map(|(range, stride)| range.indices().map(|at| at * stride).collect())
                .collect();
            take(x?, sums(&lines), ty)?
        }
        Op::Gather(gather) => {
            let dims = x?.dims();
            let axis = gather.axis(dims.len()).ok()?;
            let inner: usize = dims[axis + 1..].iter().product();
            let chosen = resolve_indices(input(1)?, dims[axis])?;
            let lines = [
                (0..dims[..axis].iter().product())
                    .map(|at| at * dims[axis] * inner)
                    .collect(),
                chosen.into_iter().map(|at| at * inner).collect(),
                (0..inner).collect::<Vec<usize>>(),
            ];
            take(x?, sums(&lines), ty)?
        }
        Op::GatherNd(_) => {
            let (rows, width) = resolve_nd_indices(x?.dims(), input(1)?)?;
            take(x?, blocks(&rows, width), ty)?
        }
        Op::ScatterNd(_) => {
            let (x, updates) = (x?, input(2)?);
            let (rows, width) = resolve_nd_indices(x.dims(), input(1)?)?;
            let width = width * x.dtype().size();
            let mut bytes = x.bytes().to_vec();
            for (update, row) in rows.into_iter().enumerate() {
                let new = updates.bytes().get(update * width..)?.get(..width)?;
                bytes
                    .get_mut(row * width..)?
                    .get_mut(..width)?
                    .copy_from_slice(new);
            }
            Tensor::new(ty.dtype, ty.dims.clone(), bytes.into()).ok()?
        }
        Op::Pad(pad) if !matches!(pad.fill, PadFill::Constant(_)) => {
            let (dims, strides) = (x?.dims(), strides(x?.dims()));
            let amounts = pad.amounts(dims.len()).ok()?.into_iter().enumerate();
            let lines = amounts
                .map(|(axis, (before, after))| {
                    let padded = -before..dims[axis] as i64 + after;
                    let source = |at| Some(pad.source(at, dims[axis])? * strides[axis]);
                    padded.map(source).collect()
                })
                .collect::<Option<Vec<Vec<usize>>>>()?;
            take(x?, sums(&lines), ty)?
        }
        Op::Concat(concat) => {
            let parts: Vec<&Tensor> = inputs.iter().copied().collect::<Option<_>>()?;
            let axis = concat.axis(ty.dims.len()).ok()?;
            let outer: usize = ty.dims[..axis].iter().product();
            let mut bytes = Vec::with_capacity(ty.bytes());
            for index in 0..outer {
                for part in &parts {
                    let length = part.bytes().len() / outer;
                    bytes.extend_from_slice(&part.bytes()[index * length..][..length]);
                }
            }
            Tensor::new(ty.dtype, ty.dims.clone(), bytes.into()).ok()?
        }
        Op::Split(split) => {
            let x = x?;
            let (axis, sizes) = split.pieces(x.dims()).ok()?;
            let strides = strides(x.dims());
            let mut start = 0;
            return sizes
                .into_iter()
                .zip(outputs)
                .map(|(size, ty)| {
                    let from = start * strides[axis];
                    start += size;
                    take(x, offsets(&ty.dims, &strides, from), ty)
                })
                .collect();
        }
        _ => return None,
    };
    Some(vec![one])
}
