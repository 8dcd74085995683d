//! [`Model`]: tensors and operators, before they are written.

use super::schema::{Builtin, Options};
use super::tensor::Tensor;

/// Tensors and operators.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub tensors: Vec<Tensor>,
    pub operators: Vec<Operator>,
    pub input: usize,
    pub output: usize,
}

impl Model {
    /// Number of operators that only bring dimensions into another order.
    pub fn transpositions(&self) -> usize {
        let is_one = |operator: &&Operator| operator.code == Builtin::Transpose;
        self.operators.iter().filter(is_one).count()
    }

    /// A new tensor.
    pub fn tensor(&mut self, tensor: Tensor) -> usize {
        self.tensors.push(tensor);
        self.tensors.len() - 1
    }

    /// A new operator: its number and version, what it reads and writes, and its options.
    pub fn push(
        &mut self,
        (code, version): (Builtin, i32),
        inputs: &[usize],
        output: usize,
        options: Option<Options>,
    ) {
        self.operators.push(Operator {
            code,
            version,
            inputs: inputs.to_vec(),
            output,
            options,
        });
    }
}

/// An operator on tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operator {
    pub code: Builtin,
    /// Of the operator, that with which it takes these types.
    pub version: i32,
    pub inputs: Vec<usize>,
    pub output: usize,
    pub options: Option<Options>,
}
