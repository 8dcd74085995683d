//! `ArgMax`, `ArgMin` and `TopK`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Index of the largest or smallest element along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgReduce {
    axis: i64,
    keep_dims: bool,
    /// Whether the smallest is looked for.
    pub smallest: bool,
    /// Whether the last of equal ones counts, rather than the first.
    pub last: bool,
}

/// The largest or smallest elements along a dimension, and their indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopK {
    axis: i64,
    /// How many.
    pub k: usize,
    /// Whether the largest are looked for.
    pub largest: bool,
}

impl ArgReduce {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(ArgReduce {
            axis: context.node.int_or("axis", 0)?,
            keep_dims: context.node.int_or("keepdims", 1)? != 0,
            smallest: context.node.op == "ArgMin",
            last: context.node.int_or("select_last_index", 0)? != 0,
        })
    }

    /// The dimension, counted from the front, of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// It does not exist.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let axis = self.axis(x.len())?;
        let mut dims = x.to_vec();
        if self.keep_dims {
            dims[axis] = 1;
        } else {
            dims.remove(axis);
        }
        Ok(dims)
    }
}

impl TopK {
    pub(super) fn read(context: &Context) -> Result<Self> {
        // The number became an input at opset 10.
        let k = if context.opset() < 10 {
            context.node.int_or("k", -1)?
        } else {
            match context.constant_ints(1, "number")?.as_deref() {
                Some(&[k]) => k,
                _ => return Err(context.invalid("input 1 is not a single number")),
            }
        };
        Ok(TopK {
            axis: context.node.int_or("axis", -1)?,
            k: usize::try_from(k).map_err(|_| context.invalid(format!("k is {k}")))?,
            largest: context.node.int_or("largest", 1)? != 0,
        })
    }

    /// The dimension, counted from the front, of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// It does not exist.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let axis = self.axis(x.len())?;
        if self.k > x[axis] {
            return Err(format!(
                "cannot take {} elements along axis {axis} of {x:?}",
                self.k
            ));
        }
        let mut dims = x.to_vec();
        dims[axis] = self.k;
        Ok(dims)
    }
}
