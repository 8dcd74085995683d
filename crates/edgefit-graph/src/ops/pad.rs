//! `Pad`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// Adds elements around the tensor, or with negative amounts takes them off.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// Amounts before each listed dimension, then after each.
    amounts: Vec<i64>,
    axes: Option<Vec<i64>>,
    /// What is added.
    pub fill: PadFill,
}

/// What a [`Pad`] adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadFill {
    /// A value.
    Constant(f32),
    /// The elements mirrored at the edge, which is not repeated.
    Reflect,
    /// The edge again and again.
    Edge,
    /// The elements from the other side.
    Wrap,
}

impl Pad {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let (amounts, value, axes) = if context.opset() < 11 {
            let amounts = context.node.ints("pads")?.unwrap_or_default().to_vec();
            (amounts, context.node.float_or("value", 0.0)?, None)
        } else {
            let amounts = context
                .constant_ints(1, "list of amounts")?
                .ok_or_else(|| context.invalid("input 1, the amounts, is missing"))?;
            let value = context.constant_number(2, "padding value")?.unwrap_or(0.0) as f32;
            (amounts, value, context.constant_ints(3, "list of axes")?)
        };
        let fill = match context.node.string_or("mode", "constant")? {
            "constant" => PadFill::Constant(value),
            "reflect" => PadFill::Reflect,
            "edge" => PadFill::Edge,
            "wrap" => PadFill::Wrap,
            other => return Err(context.invalid(format!("mode '{other}' is not known"))),
        };
        Ok(Pad {
            amounts,
            axes,
            fill,
        })
    }

    /// Amount before and after each dimension of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// The node lists amounts for other dimensions.
    pub fn amounts(&self, rank: usize) -> Result<Vec<(i64, i64)>, String> {
        let axes = match &self.axes {
            None => (0..rank).collect(),
            Some(axes) => axes
                .iter()
                .map(|&axis| axis_index(axis, rank))
                .collect::<Result<Vec<_>, _>>()?,
        };
        if self.amounts.len() != 2 * axes.len() {
            return Err(format!(
                "{} amounts for {} dimensions",
                self.amounts.len(),
                axes.len()
            ));
        }
        let (before, after) = self.amounts.split_at(axes.len());
        let mut all = vec![(0, 0); rank];
        for (axis, (&before, &after)) in axes.into_iter().zip(before.iter().zip(after)) {
            all[axis] = (before, after);
        }
        Ok(all)
    }

    /// Index of the element of a dimension of `size` elements that stands at `at`, which may lie
    /// outside; `None` for the constant.
    pub fn source(&self, at: i64, size: usize) -> Option<usize> {
        let size = size as i64;
        if (0..size).contains(&at) {
            return Some(at as usize);
        }
        let inside = match self.fill {
            PadFill::Constant(_) => return None,
            PadFill::Edge => at.clamp(0, size - 1),
            PadFill::Wrap => at.rem_euclid(size),
            PadFill::Reflect => {
                let period = (2 * (size - 1)).max(1);
                let at = at.rem_euclid(period);
                at.min(period - at)
            }
        };
        Some(inside.clamp(0, size - 1) as usize)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let padded = |(&size, (before, after)): (&usize, (i64, i64))| {
            let padded = i64::try_from(size)
                .ok()?
                .checked_add(before)?
                .checked_add(after)?;
            // What is kept of the tensor must not be empty: −before and −after may not meet.
            let kept = size as i64 + before.min(0) + after.min(0);
            usize::try_from(padded).ok().filter(|_| kept > 0)
        };
        let amounts = self.amounts(x.len())?;
        let dims: Option<Vec<usize>> = x.iter().zip(amounts).map(padded).collect();
        dims.ok_or_else(|| format!("cannot pad {x:?} by {:?}", self.amounts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_outside() {
        let sources = |fill: PadFill| {
            let pad = Pad {
                amounts: vec![],
                axes: None,
                fill,
            };
            (-4..7)
                .map(|at| pad.source(at, 3))
                .collect::<Option<Vec<_>>>()
        };
        assert_eq!(sources(PadFill::Constant(0.0)), None);
        assert_eq!(
            sources(PadFill::Edge).unwrap(),
            [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]
        );
        assert_eq!(
            sources(PadFill::Reflect).unwrap(),
            [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
        );
        assert_eq!(
            sources(PadFill::Wrap).unwrap(),
            [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
        );
    }
}
