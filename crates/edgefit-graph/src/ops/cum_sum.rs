//! `CumSum`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Running sums along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CumSum {
    axis: i64,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether sums run from the end.
    pub reverse: bool,
}

impl CumSum {
    pub(super) fn read(context: &Context) -> Result<Self> {
        match context.constant_ints(1, "axis")?.as_deref() {
            Some(&[axis]) => Ok(CumSum {
                axis,
                exclusive: context.node.int_or("exclusive", 0)? != 0,
                reverse: context.node.int_or("reverse", 0)? != 0,
            }),
            _ => Err(context.invalid("input 1, the axis, is not a single number")),
        }
    }

    /// The dimension, counted from the front, of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// It does not exist.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }
}
