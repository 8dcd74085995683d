//! `Transpose`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Reorders dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transpose {
    permutation: Option<Vec<i64>>,
}

impl Transpose {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Transpose {
            permutation: context.node.ints("perm")?.map(<[i64]>::to_vec),
        })
    }

    /// For each output dimension, the input dimension it is; reversed when the node says nothing.
    ///
    /// # Errors
    /// The node's list is not a permutation of `rank` dimensions.
    pub fn permutation(&self, rank: usize) -> Result<Vec<usize>, String> {
        let Some(listed) = &self.permutation else {
            return Ok((0..rank).rev().collect());
        };
        let axes = listed
            .iter()
            .map(|&axis| axis_index(axis, rank))
            .collect::<Result<Vec<_>, _>>()?;
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(0..rank) {
            Ok(axes)
        } else {
            Err(format!(
                "{listed:?} is not a permutation of {rank} dimensions"
            ))
        }
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let permutation = self.permutation(x.len())?;
        Ok(permutation.into_iter().map(|axis| x[axis]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permutations_transpose() {
        let transpose = |permutation: &[i64]| Transpose {
            permutation: Some(permutation.to_vec()),
        };
        assert_eq!(transpose(&[0, 2, 1]).infer(&[5, 6, 7]).unwrap(), [5, 7, 6]);
        assert!(transpose(&[0, 0, 1]).infer(&[5, 6, 7]).is_err());
        assert!(transpose(&[0, 1]).infer(&[5, 6, 7]).is_err());
    }
}
