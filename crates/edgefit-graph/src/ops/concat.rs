//! `Concat`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Concatenates tensors along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    axis: i64,
}

impl Concat {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Concat {
            axis: context.required_int("axis")?,
        })
    }

    /// The dimension, counted from the front.
    ///
    /// # Errors
    /// The axis does not exist in tensors of `rank` dimensions.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }

    pub(super) fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let mut dims = inputs.first().ok_or("nothing to concatenate")?.to_vec();
        let axis = self.axis(dims.len())?;
        for other in &inputs[1..] {
            let alike = other.len() == dims.len()
                && (0..dims.len()).all(|index| index == axis || other[index] == dims[index]);
            if !alike {
                return Err(format!(
                    "cannot concatenate {dims:?} and {other:?} along {axis}"
                ));
            }
            dims[axis] = dims[axis].saturating_add(other[axis]);
        }
        Ok(dims)
    }
}
