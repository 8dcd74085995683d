//! `Split`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Splits a tensor into pieces along a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    axis: i64,
    /// Sizes of the pieces; equal ones if not given, the last one smaller where it has to be.
    sizes: Option<Vec<usize>>,
    pieces: usize,
}

impl Split {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let given = if context.opset() < 13 {
            context.node.ints("split")?.map(<[i64]>::to_vec)
        } else {
            context.constant_ints(1, "list of sizes")?
        };
        let sizes = given
            .map(|sizes| {
                let sizes = sizes.iter().map(|&size| usize::try_from(size).ok());
                let sizes: Option<Vec<usize>> = sizes.collect();
                sizes.ok_or_else(|| context.invalid("a piece has a negative size"))
            })
            .transpose()?;
        let pieces = context.node.outputs.len();
        if pieces == 0 || sizes.as_ref().is_some_and(|sizes| sizes.len() != pieces) {
            return Err(context.invalid(format!("its sizes do not make {pieces} pieces")));
        }
        Ok(Split {
            axis: context.node.int_or("axis", 0)?,
            sizes,
            pieces,
        })
    }

    /// The dimension, counted from the front, and the size of each piece along it.
    ///
    /// # Errors
    /// The axis does not exist, or the pieces do not make the whole.
    pub fn pieces(&self, x: &[usize]) -> Result<(usize, Vec<usize>), String> {
        let axis = axis_index(self.axis, x.len())?;
        let sizes = match &self.sizes {
            Some(sizes) => sizes.clone(),
            None => {
                let most = x[axis].div_ceil(self.pieces);
                let from = |piece: usize| piece.saturating_mul(most).min(x[axis]);
                (0..self.pieces)
                    .map(|piece| from(piece + 1) - from(piece))
                    .collect()
            }
        };
        let sum = sizes
            .iter()
            .try_fold(0usize, |sum, &size| sum.checked_add(size));
        if sum == Some(x[axis]) {
            Ok((axis, sizes))
        } else {
            Err(format!("cannot split axis {axis} of {x:?} into {sizes:?}"))
        }
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<Vec<usize>>, String> {
        let (axis, sizes) = self.pieces(x)?;
        let piece = |size| {
            let mut dims = x.to_vec();
            dims[axis] = size;
            dims
        };
        Ok(sizes.into_iter().map(piece).collect())
    }
}
