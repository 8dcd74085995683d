//! [`Op::macs`]: multiply-accumulates of one run of an op.

use super::op::Op;
use crate::tensor::checked_elements;
use crate::tensor_type::TensorType;

impl Op {
    /// Multiply-accumulates of one run, counting convolutions and matrix products as is usual for
    /// published figures; everything else counts as none.
    pub fn macs(&self, inputs: &[Option<&TensorType>], output: &TensorType) -> u64 {
        let dims = |index: usize| {
            inputs
                .get(index)
                .copied()
                .flatten()
                .map_or(&[][..], |ty| ty.dims.as_slice())
        };
        let elements = |dims: &[usize]| checked_elements(dims).unwrap_or(usize::MAX);
        let (times, each) = match self {
            // Weight (out, in / groups, kernel…): one output element sums over all but the first.
            Op::Conv(_) => (
                output.elements(),
                elements(dims(1).get(1..).unwrap_or_default()),
            ),
            // Weight (in, out / groups, kernel…): one input element goes to all but the first.
            Op::ConvTranspose(_) => (
                elements(dims(0)),
                elements(dims(1).get(1..).unwrap_or_default()),
            ),
            Op::Gemm(gemm) => (output.elements(), gemm.inner(dims(0))),
            Op::MatMul(_) => (output.elements(), dims(0).last().copied().unwrap_or(0)),
            Op::Einsum(einsum) if inputs.len() > 1 => {
                let all: Vec<&[usize]> = (0..inputs.len()).map(dims).collect();
                (output.elements(), einsum.inner(&all))
            }
            _ => (0, 0),
        };
        (times as u64).saturating_mul(each as u64)
    }
}
