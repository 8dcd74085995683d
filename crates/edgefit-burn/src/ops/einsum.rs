//! Einsum.

use burn::tensor::{EinsumOperand, Tensor};
use edgefit_graph::ops::Einsum;

use super::operands::Operands;
use crate::value::{Floats, on_rank};

/// The result has `rank` dimensions.
pub(super) fn forward(
    einsum: &Einsum,
    operands: &mut Operands,
    rank: usize,
) -> Result<Floats, String> {
    let dims: Vec<&[usize]> = operands.dims.iter().map(Vec::as_slice).collect();
    let equation = einsum.equation(&dims)?;
    let equation = equation.as_str();
    let operands: Vec<EinsumOperand> = operands
        .all_floats()?
        .into_iter()
        .map(|operand| on_rank!(operand, operand => operand.into()))
        .collect();
    Ok(match rank {
        0 | 1 => Tensor::<1>::einsum(equation, operands).into(),
        2 => Tensor::<2>::einsum(equation, operands).into(),
        3 => Tensor::<3>::einsum(equation, operands).into(),
        4 => Tensor::<4>::einsum(equation, operands).into(),
        5 => Tensor::<5>::einsum(equation, operands).into(),
        6 => Tensor::<6>::einsum(equation, operands).into(),
        7 => Tensor::<7>::einsum(equation, operands).into(),
        8 => Tensor::<8>::einsum(equation, operands).into(),
        _ => return Err(format!("tensors of {rank} dimensions are not supported")),
    })
}
