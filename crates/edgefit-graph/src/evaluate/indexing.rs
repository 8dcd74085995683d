//! Offsets of elements: every op that only moves elements is a list of source offsets.

use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

/// Indices into a dimension of `size` elements, negative ones counted from its end; `None` if one
/// lies outside.
pub fn resolve_indices(indices: &Tensor, size: usize) -> Option<Vec<usize>> {
    let indices = indices.to_i64().ok()?.into_iter();
    indices.map(|index| resolve(index, size)).collect()
}

fn resolve(index: i64, size: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(size as i64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|&index| index < size)
}

/// The blocks that the rows of `indices` name in a tensor of shape `dims`, as `GatherND` has it:
/// the number of each block, and the elements of a block; `None` if one lies outside.
pub fn resolve_nd_indices(dims: &[usize], indices: &Tensor) -> Option<(Vec<usize>, usize)> {
    let &depth = indices.dims().last()?;
    let (named, block) = dims.split_at_checked(depth)?;
    let strides = strides(named);
    let values = indices.to_i64().ok()?;
    let block_number = |row: &[i64]| {
        row.iter()
            .enumerate()
            .try_fold(0, |number, (axis, &index)| {
                Some(number + resolve(index, named[axis])? * strides[axis])
            })
    };
    let rows = match depth {
        0 => None,
        depth => values
            .chunks(depth)
            .map(block_number)
            .collect::<Option<_>>(),
    };
    Some((rows?, block.iter().product()))
}

/// The elements of the blocks `rows` of `width` elements each.
pub(super) fn blocks(rows: &[usize], width: usize) -> Vec<usize> {
    rows.iter()
        .flat_map(|row| row * width..(row + 1) * width)
        .collect()
}

/// All combinations of one entry of each line, the last line running fastest.
pub(super) fn product(lines: &[Vec<usize>]) -> Vec<Vec<usize>> {
    lines.iter().fold(vec![Vec::new()], |all, line| {
        let longer = |start: &Vec<usize>, entry: &usize| {
            let mut longer = start.clone();
            longer.push(*entry);
            longer
        };
        all.iter()
            .flat_map(|start| line.iter().map(move |entry| longer(start, entry)))
            .collect()
    })
}

/// Distance of neighbours along each dimension of a row-major tensor.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// For each element of a tensor of shape `dims`, `start` and its coordinates times `steps`.
pub(super) fn offsets(dims: &[usize], steps: &[usize], start: usize) -> Vec<usize> {
    let lines: Vec<Vec<usize>> = dims
        .iter()
        .zip(steps)
        .map(|(&size, &step)| (0..size).map(|at| at * step).collect())
        .collect();
    let mut offsets = sums(&lines);
    offsets.iter_mut().for_each(|offset| *offset += start);
    offsets
}

/// Sums of one entry of each line, the last line running fastest.
pub(super) fn sums(lines: &[Vec<usize>]) -> Vec<usize> {
    lines.iter().fold(vec![0], |sums, line| {
        sums.iter()
            .flat_map(|sum| line.iter().map(move |entry| sum + entry))
            .collect()
    })
}

/// For each element of a tensor of shape `to`, the element that a tensor of shape `from` has there
/// when it is broadcast.
pub(super) fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len().saturating_sub(from.len());
    let own = strides(from);
    let steps: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if from[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect();
    offsets(to, &steps, 0)
}

/// The elements of `x` at `sources`, as a tensor of type `ty`.
pub(super) fn take(x: &Tensor, sources: Vec<usize>, ty: &TensorType) -> Option<Tensor> {
    let size = x.dtype().size();
    let bytes: Vec<u8> = sources
        .into_iter()
        .flat_map(|at| &x.bytes()[at * size..][..size])
        .copied()
        .collect();
    Tensor::new(x.dtype(), ty.dims.clone(), bytes.into()).ok()
}
