//! Slice, Gather, GatherND and ScatterND.

use burn::tensor::Slice as Range;
use burn::tensor::Tensor;
use edgefit_graph::evaluate::{resolve_indices, resolve_nd_indices};
use edgefit_graph::ops::{Gather, Slice};

use super::operands::{Operands, indices};
use crate::value::{Floats, on_rank};

pub(super) fn forward(slice: &Slice, x: Floats) -> Result<Floats, String> {
    let dims = x.dims();
    let picked = slice.ranges(&dims)?;
    if picked.iter().any(|picked| picked.count == 0) {
        return Err(format!("nothing of {dims:?} is left"));
    }
    Ok(on_rank!(x, x => {
        let mut left = x;
        for (axis, picked) in picked.into_iter().enumerate() {
            if (picked.step, picked.count) == (1, dims[axis]) {
                continue;
            }
            left = match picked.step {
                1 => left.narrow(axis, picked.start, picked.count),
                2.. => {
                    let end = picked.start + (picked.count - 1) * picked.step as usize + 1;
                    let range = Range::new(
                        picked.start as isize,
                        Some(end as isize),
                        picked.step as isize,
                    );
                    left.slice_dim(axis, range)
                }
                _ => {
                    let device = left.device();
                    left.select(axis, indices(picked.indices().collect(), &device))
                }
            };
        }
        left.into()
    }))
}

/// The result has the shape `dims`.
pub(super) fn gather(
    gather: Gather,
    operands: &mut Operands,
    dims: &[usize],
) -> Result<Floats, String> {
    let chosen = operands.host(1)?;
    let x = operands.floats(0)?;
    let x_dims = x.dims();
    let axis = gather.axis(x_dims.len())?;
    let positions = resolve_indices(&chosen, x_dims[axis])
        .ok_or_else(|| format!("an index lies outside of axis {axis} of {x_dims:?}"))?;
    let picked: Floats = on_rank!(x, x => match positions.as_slice() {
        [one] => x.narrow(axis, *one, 1).into(),
        _ => x.select(axis, indices(positions, operands.device)).into(),
    });
    picked.reshape(dims)
}

/// The result has the shape `dims`.
pub(super) fn gather_rows(operands: &mut Operands, dims: &[usize]) -> Result<Floats, String> {
    let chosen = operands.host(1)?;
    let x = operands.floats(0)?;
    let (rows, width) = named_rows(&x, &chosen)?;
    let matrix = matrix(x, width)?;
    Floats::from(matrix.select(0, indices(rows, operands.device))).reshape(dims)
}

/// The rows are picked from those of x and of the updates behind them, the last update first.
pub(super) fn scatter_rows(operands: &mut Operands) -> Result<Floats, String> {
    let chosen = operands.host(1)?;
    let (x, updates) = (operands.floats(0)?, operands.floats(2)?);
    let dims = x.dims();
    let (rows, width) = named_rows(&x, &chosen)?;
    let x = matrix(x, width)?;
    let count = x.dims()[0];
    let mut sources: Vec<usize> = (0..count).collect();
    for (update, row) in rows.into_iter().enumerate() {
        sources[row] = count + update;
    }
    let all = Tensor::cat(vec![x, matrix(updates, width)?], 0);
    Floats::from(all.select(0, indices(sources, operands.device))).reshape(&dims)
}

fn named_rows(x: &Floats, chosen: &edgefit_graph::Tensor) -> Result<(Vec<usize>, usize), String> {
    let dims = x.dims();
    resolve_nd_indices(&dims, chosen).ok_or_else(|| format!("an index lies outside of {dims:?}"))
}

/// `x` with rows of `width` elements.
fn matrix(x: Floats, width: usize) -> Result<Tensor<2>, String> {
    let count = x.dims().iter().product::<usize>() / width.max(1);
    x.reshape(&[count, width])?.try_into()
}
