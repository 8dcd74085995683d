//! `Softmax` and `LogSoftmax`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Softmax or its logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax {
    /// First dimension of the sum.
    pub axis: i64,
    /// Whether the sum also goes over every dimension behind `axis`, as it did before opset 13.
    pub to_the_end: bool,
    /// Whether the logarithm is taken.
    pub log: bool,
}

impl Softmax {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let to_the_end = context.opset() < 13;
        let default = if to_the_end { 1 } else { -1 };
        Ok(Softmax {
            axis: context.node.int_or("axis", default)?,
            to_the_end,
            log: context.node.op == "LogSoftmax",
        })
    }

    /// [`Softmax::axis`] counted from the front.
    ///
    /// # Errors
    /// The axis does not exist in a tensor of `rank` dimensions.
    pub fn axis_index(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }
}
