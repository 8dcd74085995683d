//! Linear layers: the product of a matrix, whose rows are samples or positions, and a weight, with the bias and an
//! activation in the same pass.
//!
//! burn-flex makes a matrix of its own for the product, the bias and each op of the activation.

mod kernel;
mod products;

use edgefit_graph::ops::Gemm;

use super::activation::Activation;
use super::operands::Operands;
use crate::value::Floats;
use kernel::linear;

/// A product with a weight, plus a bias, and the activation of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    pub orientation: Orientation,
    pub activation: Activation,
}

/// How a weight is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// (inputs, outputs), as the second operand of a product.
    InputsFirst,
    /// (outputs, inputs), as PyTorch has it.
    OutputsFirst,
}

impl Linear {
    /// The linear layer that a Gemm is, if it is one.
    pub fn of_gemm(gemm: &Gemm) -> Option<Self> {
        let plain = !gemm.trans_a && gemm.alpha == 1.0 && gemm.beta == 1.0;
        plain.then_some(Linear {
            orientation: if gemm.trans_b {
                Orientation::OutputsFirst
            } else {
                Orientation::InputsFirst
            },
            activation: Activation::Identity,
        })
    }

    /// The layer of the operands x, weight and bias; the result has the shape `dims`.
    pub fn forward(self, operands: &mut Operands, dims: &[usize]) -> Result<Floats, String> {
        let (x, weight) = (operands.floats(0)?, operands.tensor(1)?);
        let bias = operands
            .optional_floats(2)?
            .map(|bias| {
                let count = bias.dims().iter().product();
                bias.reshape(&[count])?.try_into()
            })
            .transpose()?;
        let inputs = x.dims().last().copied().unwrap_or(1);
        let rows = x.dims().iter().product::<usize>() / inputs.max(1);
        let x = x.reshape(&[rows, inputs])?.try_into()?;
        Floats::from(linear(x, weight, bias, self)?).reshape(dims)
    }
}
