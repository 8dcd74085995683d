//! Reductions, and functions of whole lines along a dimension.

use super::arithmetic::Numbers;
use super::indexing::{offsets, strides};
use crate::ops::ReduceKind;
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

pub(super) fn reduced(
    kind: ReduceKind,
    x: &Tensor,
    axes: &[usize],
    ty: &TensorType,
) -> Option<Tensor> {
    let mut kept = x.dims().to_vec();
    axes.iter().for_each(|&axis| kept[axis] = 1);
    // The element of the result to which each element of x goes: its offset with the reduced
    // dimensions held.
    let mut steps = strides(&kept);
    axes.iter().for_each(|&axis| steps[axis] = 0);
    let targets = offsets(x.dims(), &steps, 0);
    let floats = x.dtype().is_float();
    let values = Numbers::of(x)?.floats();
    let start = match kind {
        ReduceKind::Sum | ReduceKind::Mean => 0.0,
        ReduceKind::Prod => 1.0,
        ReduceKind::Max => f64::NEG_INFINITY,
        ReduceKind::Min => f64::INFINITY,
        _ => return None,
    };
    // Sums of integers beyond 2⁵³ would not be exact.
    if !floats && values.iter().any(|value| value.abs() > 1e12) {
        return None;
    }
    let mut results = vec![start; ty.elements()];
    let count = values.len() as f64 / results.len().max(1) as f64;
    for (value, target) in values.into_iter().zip(targets) {
        let result = &mut results[target];
        *result = match kind {
            ReduceKind::Prod => *result * value,
            ReduceKind::Max => result.max(value),
            ReduceKind::Min => result.min(value),
            _ => *result + value,
        };
    }
    if kind == ReduceKind::Mean {
        results.iter_mut().for_each(|result| *result /= count);
    }
    Numbers::Floats(results).into_tensor(ty)
}

/// Applies `f` to each line of `x` along `axis`; the lines it returns make the result.
pub(super) fn along(
    x: &Tensor,
    axis: usize,
    ty: &TensorType,
    f: impl Fn(&[f64]) -> Vec<f64>,
) -> Option<Tensor> {
    let values = Numbers::of(x)?.floats();
    let dims = x.dims();
    let (outer, size) = (dims[..axis].iter().product::<usize>(), dims[axis]);
    let inner: usize = dims[axis + 1..].iter().product();
    let mut results = vec![0.0; ty.elements()];
    let length = results.len() / (outer * inner).max(1);
    for first in 0..outer {
        for last in 0..inner {
            let line: Vec<f64> = (0..size)
                .map(|at| values[(first * size + at) * inner + last])
                .collect();
            for (at, value) in f(&line).into_iter().enumerate().take(length) {
                results[(first * length + at) * inner + last] = value;
            }
        }
    }
    Numbers::Floats(results).into_tensor(ty)
}
