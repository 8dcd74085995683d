//! `Gather`, `GatherND` and `ScatterND`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;
use crate::unsupported::UnsupportedReason;

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

/// Takes slices at the offsets that the rows of its second input name, each by indices into the
/// first dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherNd;

/// Writes slices, the third input, over those that the rows of the second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScatterNd;

impl GatherNd {
    pub(super) fn read(context: &Context) -> Result<Self> {
        match context.node.int_or("batch_dims", 0)? {
            0 => Ok(GatherNd),
            _ => Err(context.unsupported(UnsupportedReason::BatchDimensions)),
        }
    }

    pub(super) fn infer(self, x: &[usize], indices: &[usize]) -> Result<Vec<usize>, String> {
        match indices.split_last() {
            Some((&depth, rows)) if depth <= x.len() => Ok([rows, &x[depth..]].concat()),
            _ => Err(format!(
                "cannot take indices of shape {indices:?} into {x:?}"
            )),
        }
    }
}

impl ScatterNd {
    pub(super) fn read(context: &Context) -> Result<Self> {
        match context.node.string_or("reduction", "none")? {
            "none" => Ok(ScatterNd),
            other => Err(context.unsupported(UnsupportedReason::Reduction(other.to_owned()))),
        }
    }

    pub(super) fn check(x: &[usize], indices: &[usize], updates: &[usize]) -> Result<(), String> {
        if GatherNd.infer(x, indices)? == updates {
            Ok(())
        } else {
            Err(format!(
                "updates {updates:?} do not fit indices of shape {indices:?} into {x:?}"
            ))
        }
    }
}
