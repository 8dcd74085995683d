//! Ops that move elements or rename dimensions, and compute nothing.

use super::{Context, axis_index};
use crate::error::Result;
use crate::tensor::checked_elements;

/// Puts tensors one behind the other along a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    axis: i64,
}

impl Concat {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Concat {
            axis: context.node.int_or("axis", 1)?,
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

/// Makes a matrix: dimensions before `axis` become rows, the rest columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flatten {
    axis: i64,
}

impl Flatten {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Flatten {
            axis: context.node.int_or("axis", 1)?,
        })
    }

    /// Output shape for the input shape `x`.
    ///
    /// # Errors
    /// The axis does not exist.
    pub fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let axis = match self.axis {
            axis if axis == x.len() as i64 => x.len(),
            axis => axis_index(axis, x.len())?,
        };
        let (rows, columns) = x.split_at(axis);
        let product = |sizes: &[usize]| {
            checked_elements(sizes).ok_or_else(|| format!("cannot flatten {x:?}"))
        };
        Ok(vec![product(rows)?, product(columns)?])
    }
}

/// Gives the elements another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    target: Vec<i64>,
    allow_zero: bool,
}

impl Reshape {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let target = context
            .constant(1, "target shape")?
            .ok_or_else(|| context.invalid("input 1, the target shape, is missing"))?;
        Ok(Reshape {
            target: target.to_i64()?,
            allow_zero: context.node.int_or("allowzero", 0)? != 0,
        })
    }

    /// Output shape for the input shape `x`.
    ///
    /// # Errors
    /// The number of elements would change.
    pub fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let problem = || format!("cannot reshape {x:?} to {:?}", self.target);
        let mut dims = Vec::with_capacity(self.target.len());
        let mut open = None;
        for (axis, &size) in self.target.iter().enumerate() {
            dims.push(match size {
                -1 if open.is_none() => {
                    open = Some(axis);
                    1
                }
                0 if !self.allow_zero => *x.get(axis).ok_or_else(problem)?,
                size => usize::try_from(size).map_err(|_| problem())?,
            });
        }
        let have = checked_elements(x).ok_or_else(problem)?;
        let fixed = checked_elements(&dims).ok_or_else(problem)?;
        match open {
            Some(axis) if fixed > 0 && have.is_multiple_of(fixed) => dims[axis] = have / fixed,
            None if fixed == have => {}
            _ => return Err(problem()),
        }
        Ok(dims)
    }
}

/// Drops dimensions of size 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squeeze {
    axes: Option<Vec<i64>>,
}

impl Squeeze {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Squeeze {
            axes: context.axes(13)?,
        })
    }

    /// Output shape for the input shape `x`.
    ///
    /// # Errors
    /// A listed axis does not exist or is not of size 1.
    pub fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let Some(axes) = &self.axes else {
            return Ok(x.iter().copied().filter(|&size| size != 1).collect());
        };
        let axes = axes
            .iter()
            .map(|&axis| axis_index(axis, x.len()))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(axis) = axes.iter().find(|&&axis| x[axis] != 1) {
            return Err(format!("cannot squeeze axis {axis} of {x:?}"));
        }
        let kept = x
            .iter()
            .enumerate()
            .filter(|(axis, _)| !axes.contains(axis));
        Ok(kept.map(|(_, &size)| size).collect())
    }
}

/// Adds dimensions of size 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsqueeze {
    axes: Vec<i64>,
}

impl Unsqueeze {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let axes = context.axes(13)?;
        Ok(Unsqueeze {
            axes: axes.ok_or_else(|| context.invalid("its axes are missing"))?,
        })
    }

    /// Output shape for the input shape `x`.
    ///
    /// # Errors
    /// An axis does not exist in the output or is listed twice.
    pub fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let rank = x.len() + self.axes.len();
        let mut added = vec![false; rank];
        for &axis in &self.axes {
            if std::mem::replace(&mut added[axis_index(axis, rank)?], true) {
                return Err(format!("axis {axis} is listed twice"));
            }
        }
        let mut sizes = x.iter();
        let size = |added: bool| match added {
            true => Some(1),
            false => sizes.next().copied(),
        };
        Ok(added.into_iter().filter_map(size).collect())
    }
}

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

/// Adds a constant around the tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// Amounts before each dimension, then after each.
    amounts: Vec<usize>,
    /// What is added.
    pub value: f32,
}

impl Pad {
    pub(super) fn read(context: &Context) -> Result<Self> {
        if context.node.string_or("mode", "constant")? != "constant" {
            return Err(context.unsupported("padding other than by a constant"));
        }
        let (amounts, value) = if context.opset() < 11 {
            let amounts = context.node.ints("pads")?.unwrap_or_default().to_vec();
            (amounts, context.node.float_or("value", 0.0)?)
        } else {
            if context.node.input(3).is_some() {
                return Err(context.unsupported("padding along listed axes"));
            }
            let amounts = context
                .constant(1, "list of amounts")?
                .ok_or_else(|| context.invalid("input 1, the amounts, is missing"))?;
            let value = context.constant_float(2, "padding value")?.unwrap_or(0.0);
            (amounts.to_i64()?, value)
        };
        let amounts = amounts
            .into_iter()
            .map(|amount| {
                usize::try_from(amount).map_err(|_| context.unsupported("negative padding"))
            })
            .collect::<Result<_>>()?;
        Ok(Pad { amounts, value })
    }

    /// Amount before and after each dimension of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// The node lists amounts for another number of dimensions.
    pub fn amounts(&self, rank: usize) -> Result<Vec<(usize, usize)>, String> {
        if self.amounts.len() != 2 * rank {
            return Err(format!(
                "{} amounts for {rank} dimensions",
                self.amounts.len()
            ));
        }
        let (before, after) = self.amounts.split_at(rank);
        Ok(before.iter().copied().zip(after.iter().copied()).collect())
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let padded = |(&size, (before, after)): (&usize, (usize, usize))| {
            size.saturating_add(before).saturating_add(after)
        };
        Ok(x.iter().zip(self.amounts(x.len())?).map(padded).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_copies_and_fills_in() {
        let reshape = |target: &[i64], x: &[usize]| {
            Reshape {
                target: target.to_vec(),
                allow_zero: false,
            }
            .infer(x)
        };
        assert_eq!(reshape(&[0, -1], &[2, 3, 4]).unwrap(), [2, 12]);
        assert_eq!(reshape(&[-1], &[2, 3]).unwrap(), [6]);
        assert_eq!(reshape(&[], &[1]).unwrap(), [0usize; 0]);
        assert!(reshape(&[-1, -1], &[2, 3]).is_err());
        assert!(reshape(&[4], &[2, 3]).is_err());
        assert!(reshape(&[-1, 0], &[2]).is_err());
    }

    #[test]
    fn unsqueeze_and_squeeze_are_inverse() {
        let axes = vec![0, -1];
        let out = Unsqueeze { axes: axes.clone() }.infer(&[3, 4]).unwrap();
        assert_eq!(out, [1, 3, 4, 1]);
        assert_eq!(Squeeze { axes: Some(axes) }.infer(&out).unwrap(), [3, 4]);
        assert!(Unsqueeze { axes: vec![0, 0] }.infer(&[3]).is_err());
        assert!(
            Squeeze {
                axes: Some(vec![0])
            }
            .infer(&[3])
            .is_err()
        );
    }

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
