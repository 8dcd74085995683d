//! Transpose, DepthToSpace and SpaceToDepth.

use burn::tensor::Tensor;
use edgefit_graph::ops::{BlockMove, Transpose};

use crate::value::{Floats, on_rank};

pub(super) fn forward(transpose: &Transpose, x: Floats) -> Result<Floats, String> {
    let permutation = transpose.permutation(x.dims().len())?;
    Ok(on_rank!(x, x => {
        let axes = std::array::from_fn(|axis| permutation[axis] as isize);
        x.permute(axes).into()
    }))
}

pub(super) fn blocks(block: BlockMove, x: Floats) -> Result<Floats, String> {
    let steps = block.steps(&x.dims())?;
    let apart: Tensor<6> = x.reshape(&steps.apart)?.try_into()?;
    let moved = apart.permute(steps.permutation.map(|axis| axis as isize));
    Ok(moved.reshape(steps.together).into())
}
