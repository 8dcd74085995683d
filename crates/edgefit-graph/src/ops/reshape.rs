//! Ops that rename dimensions and leave every element where it is.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;
use crate::tensor::checked_elements;

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
            .constant_ints(1, "target shape")?
            .ok_or_else(|| context.invalid("input 1, the target shape, is missing"))?;
        Ok(Reshape {
            target,
            allow_zero: context.node.int_or("allowzero", 0)? != 0,
        })
    }

    /// How many samples the target holds, where `x` is several times of it.
    fn fixed_batch(&self, x: &[usize]) -> Option<usize> {
        let target = self.target.iter().map(|&size| usize::try_from(size).ok());
        let target: Vec<usize> = target.collect::<Option<_>>()?;
        let (have, fixed) = (checked_elements(x)?, checked_elements(&target)?);
        let batch = *target.first()?;
        let several = fixed > 0 && have > fixed && have.is_multiple_of(fixed);
        (several && *x.first()? > batch).then_some(batch)
    }

    /// Output shape for the input shape `x`.
    ///
    /// # Errors
    /// The number of elements would change.
    pub fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let problem = || {
            let fix = match self.fixed_batch(x) {
                Some(batch) => format!(
                    "; the model was exported for batches of {batch}: export it with a dynamic batch, or run it \
                     with that many samples"
                ),
                None => String::new(),
            };
            format!("cannot reshape {x:?} to {:?}{fix}", self.target)
        };
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
        let size = |added: bool| {
            if added {
                Some(1)
            } else {
                sizes.next().copied()
            }
        };
        Ok(added.into_iter().filter_map(size).collect())
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
        let fixed = reshape(&[1, 8], &[3, 8]).unwrap_err();
        assert!(
            fixed.contains("[3, 8] to [1, 8]; the model was exported for batches of 1"),
            "{fixed}"
        );
        assert!(!reshape(&[1, 7], &[3, 8]).unwrap_err().contains("batches"));
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
}
