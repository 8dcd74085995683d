use burn::tensor::Slice as Range;
use edgefit_graph::evaluate::positions;
use edgefit_graph::ops::{Gather, Slice};

use super::{Operands, indices};
use crate::value::{Floats, on_rank};

pub(super) fn forward(slice: &Slice, x: Floats) -> Result<Floats, String> {
    let dims = x.dims();
    let picked = slice.picked(&dims)?;
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
    let positions = positions(&chosen, x_dims[axis])
        .ok_or_else(|| format!("an index lies outside of axis {axis} of {x_dims:?}"))?;
    let picked: Floats = on_rank!(x, x => match positions.as_slice() {
        [one] => x.narrow(axis, *one, 1).into(),
        _ => x.select(axis, indices(positions, operands.device)).into(),
    });
    picked.reshape(dims)
}
