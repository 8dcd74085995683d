//! Ops that look at many elements for each of the result.

use super::numbers::Numbers;
use super::places::{offsets, product, strides};
use crate::infer::TensorType;
use crate::ops::{Pool, ReduceKind};
use crate::tensor::Tensor;

/// Most elements that a maximum of windows looks at.
const MOST_TAPS: usize = 1 << 22;

pub(super) fn reduced(
    kind: ReduceKind,
    x: &Tensor,
    axes: &[usize],
    ty: &TensorType,
) -> Option<Tensor> {
    let mut kept = x.dims().to_vec();
    axes.iter().for_each(|&axis| kept[axis] = 1);
    // Where each element of x goes: the offset of its place with the reduced dimensions held.
    let mut steps = strides(&kept);
    axes.iter().for_each(|&axis| steps[axis] = 0);
    let goals = offsets(x.dims(), &steps, 0);
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
    for (value, goal) in values.into_iter().zip(goals) {
        let result = &mut results[goal];
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

/// The maxima of windows, and on request where they are, counted through the whole tensor.
pub(super) fn max_pool(pool: &Pool, x: &Tensor, outputs: &[TensorType]) -> Option<Vec<Tensor>> {
    let (dims, values) = (x.dims(), Numbers::of(x)?.floats());
    let extents = pool.extents(dims).ok()?;
    let spatial = &dims[2..];
    let plane: usize = spatial.iter().product();
    let taps = extents
        .iter()
        .fold(outputs.first()?.elements(), |taps, extent| {
            taps.saturating_mul(extent.kernel)
        });
    if plane == 0 || taps > MOST_TAPS {
        return None;
    }
    let row_major = strides(spatial);
    let mut counted = row_major.clone();
    if pool.column_major {
        counted = spatial.iter().rev().copied().collect();
        counted = strides(&counted).into_iter().rev().collect();
    }
    // For each position of the window, the elements that lie in it and not in the padding.
    let windows: Vec<(Vec<usize>, Vec<usize>)> = {
        let lines: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.output).collect()).collect();
        let taps: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.kernel).collect()).collect();
        let within = |position: &[usize], tap: &[usize]| -> Option<(usize, usize)> {
            let mut place = (0, 0);
            for (axis, extent) in extents.iter().enumerate() {
                let at = position[axis] * extent.stride + tap[axis] * extent.dilation;
                let at = at
                    .checked_sub(extent.before)
                    .filter(|&at| at < spatial[axis])?;
                place = (place.0 + at * row_major[axis], place.1 + at * counted[axis]);
            }
            Some(place)
        };
        let taps = product(&taps);
        let positions = product(&lines).into_iter();
        positions
            .map(|position| taps.iter().filter_map(|tap| within(&position, tap)).unzip())
            .collect()
    };
    let (mut maxima, mut places) = (Vec::new(), Vec::new());
    for (number, values) in values.chunks(plane).enumerate() {
        for (sources, counts) in &windows {
            let larger = |best: usize, tap: usize| {
                if values[sources[tap]] > values[sources[best]] {
                    tap
                } else {
                    best
                }
            };
            let best = (1..sources.len()).fold(0, larger);
            maxima.push(values[*sources.get(best)?]);
            places.push((number * plane + counts[best]) as f64);
        }
    }
    let mut made = vec![Numbers::Floats(maxima).into_tensor(outputs.first()?)?];
    if let Some(ty) = outputs.get(1) {
        made.push(Numbers::Floats(places).into_tensor(ty)?);
    }
    Some(made)
}
