//! `Slice`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::{Error, Result};

/// Takes a range with a step out of dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    starts: Vec<i64>,
    ends: Vec<i64>,
    axes: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
}

/// The elements that a [`Slice`] takes along one dimension: `start`, `start + step` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceRange {
    /// First element.
    pub start: usize,
    /// Distance to the next; negative backwards.
    pub step: i64,
    /// Number of elements.
    pub count: usize,
}

impl SliceRange {
    /// The indices of the elements.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.count as i64).map(move |index| (self.start as i64 + index * self.step) as usize)
    }
}

impl Slice {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let missing = || context.invalid("its starts or ends are missing");
        // All became inputs at opset 10.
        let (starts, ends, axes, steps) = if context.opset() < 10 {
            let list = |name: &str| Ok::<_, Error>(context.node.ints(name)?.map(<[i64]>::to_vec));
            (list("starts")?, list("ends")?, list("axes")?, None)
        } else {
            let list = |index, what| context.constant_ints(index, what);
            (
                list(1, "list of starts")?,
                list(2, "list of ends")?,
                list(3, "list of axes")?,
                list(4, "list of steps")?,
            )
        };
        let slice = Slice {
            starts: starts.ok_or_else(missing)?,
            ends: ends.ok_or_else(missing)?,
            axes,
            steps,
        };
        let count = slice.starts.len();
        let alike = |list: &Option<Vec<i64>>| list.as_ref().is_none_or(|list| list.len() == count);
        if slice.ends.len() != count || !alike(&slice.axes) || !alike(&slice.steps) {
            return Err(context.invalid("starts, ends, axes and steps are not of one length"));
        }
        if slice.steps.iter().flatten().any(|&step| step == 0) {
            return Err(context.invalid("a step is 0"));
        }
        Ok(slice)
    }

    /// What is taken along each dimension of the input shape `x`.
    ///
    /// # Errors
    /// An axis does not exist.
    pub fn ranges(&self, x: &[usize]) -> Result<Vec<SliceRange>, String> {
        let mut ranges: Vec<SliceRange> = x
            .iter()
            .map(|&count| SliceRange {
                start: 0,
                step: 1,
                count,
            })
            .collect();
        for (index, (&start, &end)) in self.starts.iter().zip(&self.ends).enumerate() {
            let axis = match &self.axes {
                Some(axes) => axes[index],
                None => index as i64,
            };
            let axis = axis_index(axis, x.len())?;
            let size = x[axis] as i64;
            let step = self.steps.as_ref().map_or(1, |steps| steps[index]);
            let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
            let (start, span) = if step > 0 {
                let start = from_front(start).clamp(0, size);
                (start, from_front(end).clamp(0, size) - start)
            } else {
                // Of nothing, both ends are before the front.
                let start = from_front(start).max(0).min(size - 1);
                (start, start - from_front(end).clamp(-1, size - 1))
            };
            let count = match span {
                ..=0 => 0,
                span => (span as u64).div_ceil(step.unsigned_abs()) as usize,
            };
            ranges[axis] = SliceRange {
                start: start.max(0) as usize,
                step: if count < 2 { 1 } else { step },
                count,
            };
        }
        Ok(ranges)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let ranges = self.ranges(x)?;
        Ok(ranges.into_iter().map(|range| range.count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(start: i64, end: i64, step: i64) -> Vec<usize> {
        slice_of(5, start, end, step)
    }

    fn slice_of(size: usize, start: i64, end: i64, step: i64) -> Vec<usize> {
        let slice = Slice {
            starts: vec![start],
            ends: vec![end],
            axes: None,
            steps: Some(vec![step]),
        };
        slice.ranges(&[size]).unwrap()[0].indices().collect()
    }

    #[test]
    fn ranges_are_as_in_python() {
        assert_eq!(slice(1, 3, 1), [1, 2]);
        assert_eq!(slice(-2, i64::MAX, 1), [3, 4]);
        assert_eq!(slice(0, 5, 2), [0, 2, 4]);
        assert_eq!(slice(-1, i64::MIN, -1), [4, 3, 2, 1, 0]);
        assert_eq!(slice(10, -10, -2), [4, 2, 0]);
        // Unlike Python's, a start before the front is the front.
        assert_eq!(slice(-100, -200, -1), [0]);
        assert_eq!(slice(3, 1, 1), [0usize; 0]);
        assert_eq!(slice(0, 1, i64::MAX), [0]);
        assert_eq!(slice(9, 9, i64::MIN), [0usize; 0]);
        assert_eq!(slice_of(0, -1, i64::MIN, -1), [0usize; 0]);
    }
}
