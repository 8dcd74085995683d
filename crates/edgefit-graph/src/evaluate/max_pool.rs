//! `MaxPool` with the indices of the maxima.

use super::arithmetic::Numbers;
use super::indexing::{product, strides};
use crate::ops::Pool;
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

/// Most elements that a maximum of windows looks at.
const MOST_KERNEL_ELEMENTS: usize = 1 << 22;

/// The maxima of windows, and on request their indices, counted through the whole tensor.
pub(super) fn max_pool(pool: &Pool, x: &Tensor, outputs: &[TensorType]) -> Option<Vec<Tensor>> {
    let (dims, values) = (x.dims(), Numbers::of(x)?.floats());
    let extents = pool.extents(dims).ok()?;
    let spatial = &dims[2..];
    let plane: usize = spatial.iter().product();
    let looked_at = extents
        .iter()
        .fold(outputs.first()?.span(), |count, extent| {
            count.saturating_mul(extent.kernel)
        });
    if plane == 0 || looked_at > MOST_KERNEL_ELEMENTS {
        return None;
    }
    let row_major = strides(spatial);
    let mut counted = row_major.clone();
    if pool.column_major {
        counted = spatial.iter().rev().copied().collect();
        counted = strides(&counted).into_iter().rev().collect();
    }
    // For each output position, the elements that lie in its window and not in the padding.
    let windows: Vec<(Vec<usize>, Vec<usize>)> = {
        let lines: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.output).collect()).collect();
        let kernels: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.kernel).collect()).collect();
        let within = |position: &[usize], element: &[usize]| -> Option<(usize, usize)> {
            let mut offset = (0, 0);
            for (axis, extent) in extents.iter().enumerate() {
                let at = position[axis] * extent.stride + element[axis] * extent.dilation;
                let at = at
                    .checked_sub(extent.before)
                    .filter(|&at| at < spatial[axis])?;
                offset = (
                    offset.0 + at * row_major[axis],
                    offset.1 + at * counted[axis],
                );
            }
            Some(offset)
        };
        let kernel = product(&kernels);
        let positions = product(&lines).into_iter();
        positions
            .map(|position| {
                kernel
                    .iter()
                    .filter_map(|element| within(&position, element))
                    .unzip()
            })
            .collect()
    };
    let (mut maxima, mut indices) = (Vec::new(), Vec::new());
    for (number, values) in values.chunks(plane).enumerate() {
        for (sources, counts) in &windows {
            let larger = |best: usize, other: usize| {
                if values[sources[other]] > values[sources[best]] {
                    other
                } else {
                    best
                }
            };
            let best = (1..sources.len()).fold(0, larger);
            maxima.push(values[*sources.get(best)?]);
            indices.push((number * plane + counts[best]) as f64);
        }
    }
    let mut made = vec![Numbers::Floats(maxima).into_tensor(outputs.first()?)?];
    if let Some(ty) = outputs.get(1) {
        made.push(Numbers::Floats(indices).into_tensor(ty)?);
    }
    Some(made)
}
