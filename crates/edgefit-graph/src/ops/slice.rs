use super::{Context, axis_index};
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
pub struct Picked {
    /// First element.
    pub start: usize,
    /// Distance to the next; negative backwards.
    pub step: i64,
    /// Number of elements.
    pub count: usize,
}

impl Picked {
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
    pub fn picked(&self, x: &[usize]) -> Result<Vec<Picked>, String> {
        let mut picked: Vec<Picked> = x
            .iter()
            .map(|&count| Picked {
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
                let start = from_front(start).clamp(0, (size - 1).max(0));
                (start, start - from_front(end).clamp(-1, size - 1))
            };
            let count = match span {
                ..=0 => 0,
                span => (span as u64).div_ceil(step.unsigned_abs()) as usize,
            };
            picked[axis] = Picked {
                start: start.max(0) as usize,
                step: if count < 2 { 1 } else { step },
                count,
            };
        }
        Ok(picked)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let picked = self.picked(x)?;
        Ok(picked.into_iter().map(|picked| picked.count).collect())
    }
}

/// Takes slices at the indices of its second input, which may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    axis: i64,
}

impl Gather {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Gather {
            axis: context.node.int_or("axis", 0)?,
        })
    }

    /// The dimension, counted from the front, of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// It does not exist.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }

    pub(super) fn infer(&self, x: &[usize], indices: &[usize]) -> Result<Vec<usize>, String> {
        let axis = self.axis(x.len())?;
        Ok([&x[..axis], indices, &x[axis + 1..]].concat())
    }
}

/// Takes slices at the places that the rows of its second input name, each by indices into the
/// first dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherNd;

/// Writes slices, the third input, over the places that the rows of the second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScatterNd;

impl GatherNd {
    pub(super) fn read(context: &Context) -> Result<Self> {
        match context.node.int_or("batch_dims", 0)? {
            0 => Ok(GatherNd),
            _ => Err(context.unsupported("batch dimensions")),
        }
    }

    pub(super) fn infer(self, x: &[usize], indices: &[usize]) -> Result<Vec<usize>, String> {
        match indices.split_last() {
            Some((&depth, rows)) if depth <= x.len() => Ok([rows, &x[depth..]].concat()),
            _ => Err(format!("cannot take places {indices:?} of {x:?}")),
        }
    }
}

impl ScatterNd {
    pub(super) fn read(context: &Context) -> Result<Self> {
        match context.node.string_or("reduction", "none")? {
            "none" => Ok(ScatterNd),
            other => Err(context.unsupported(&format!("the reduction '{other}'"))),
        }
    }

    pub(super) fn check(x: &[usize], indices: &[usize], updates: &[usize]) -> Result<(), String> {
        match GatherNd.infer(x, indices)? == updates {
            true => Ok(()),
            false => Err(format!(
                "updates {updates:?} do not fit places {indices:?} of {x:?}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(start: i64, end: i64, step: i64) -> Vec<usize> {
        let slice = Slice {
            starts: vec![start],
            ends: vec![end],
            axes: None,
            steps: Some(vec![step]),
        };
        slice.picked(&[5]).unwrap()[0].indices().collect()
    }

    #[test]
    fn ranges_are_those_of_python() {
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
    }
}
