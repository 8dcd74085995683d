//! Expand.

use crate::value::{Floats, on_rank};

/// `x` repeated along dimensions of size 1 until it has the shape `dims`.
pub(super) fn forward(x: Floats, dims: &[usize]) -> Result<Floats, String> {
    let x = x.padded_to(dims.len())?;
    Ok(on_rank!(x, x => {
        let mut shape = x.dims();
        shape.iter_mut().zip(dims).for_each(|(size, wanted)| *size = *wanted);
        x.expand(shape).into()
    }))
}
