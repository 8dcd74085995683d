//! Reductions over whole dimensions: `ReduceMean` and its kind, global pooling.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;

/// A reduction over whole dimensions; global pooling is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduce {
    /// What is made of the elements.
    pub kind: ReduceKind,
    /// Which dimensions go.
    pub axes: Axes,
    /// Whether the reduced dimensions stay, with size 1.
    pub keep_dims: bool,
}

/// What a [`Reduce`] makes of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReduceKind {
    Mean,
    Sum,
    Max,
    Min,
    Prod,
    /// Sum of magnitudes.
    L1,
    /// Root of the sum of squares.
    L2,
    SumSquare,
    /// Logarithm of the sum of exponentials.
    LogSumExp,
}

/// Dimensions that a [`Reduce`] goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axes {
    /// All from dimension 2 on: global pooling.
    Spatial,
    /// All there are.
    All,
    /// None: the op does nothing.
    None,
    /// These, negative ones counted from the end.
    Listed(Vec<i64>),
}

impl Reduce {
    pub(super) fn read(context: &Context) -> Result<Option<Self>> {
        // The axes became an input at opset 13 for sums and at 18 for the others.
        let (kind, since) = match context.node.op.as_str() {
            "GlobalAveragePool" | "ReduceMean" => (ReduceKind::Mean, 18),
            "GlobalMaxPool" | "ReduceMax" => (ReduceKind::Max, 18),
            "ReduceSum" => (ReduceKind::Sum, 13),
            "ReduceMin" => (ReduceKind::Min, 18),
            "ReduceProd" => (ReduceKind::Prod, 18),
            "ReduceL1" => (ReduceKind::L1, 18),
            "ReduceL2" => (ReduceKind::L2, 18),
            "ReduceSumSquare" => (ReduceKind::SumSquare, 18),
            "ReduceLogSumExp" => (ReduceKind::LogSumExp, 18),
            _ => return Ok(None),
        };
        if context.node.op.starts_with("Global") {
            return Ok(Some(Reduce {
                kind,
                axes: Axes::Spatial,
                keep_dims: true,
            }));
        }
        let axes = match context.axes(since)? {
            Some(axes) if !axes.is_empty() => Axes::Listed(axes),
            _ if context.node.int_or("noop_with_empty_axes", 0)? != 0 => Axes::None,
            _ => Axes::All,
        };
        Ok(Some(Reduce {
            kind,
            axes,
            keep_dims: context.node.int_or("keepdims", 1)? != 0,
        }))
    }

    /// The dimensions to reduce, ascending, for a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// A listed axis does not exist, or global pooling has nothing to pool.
    pub fn axes(&self, rank: usize) -> Result<Vec<usize>, String> {
        Ok(match &self.axes {
            Axes::Spatial if rank < 3 => {
                return Err(format!("global pooling of a tensor of {rank} dimensions"));
            }
            Axes::Spatial => (2..rank).collect(),
            Axes::All => (0..rank).collect(),
            Axes::None => Vec::new(),
            Axes::Listed(axes) => {
                let mut axes = axes
                    .iter()
                    .map(|&axis| axis_index(axis, rank))
                    .collect::<Result<Vec<_>, _>>()?;
                axes.sort_unstable();
                axes.dedup();
                axes
            }
        })
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let axes = self.axes(x.len())?;
        let kept = |(axis, &size): (usize, &usize)| {
            if axes.contains(&axis) {
                self.keep_dims.then_some(1)
            } else {
                Some(size)
            }
        };
        Ok(x.iter().enumerate().filter_map(kept).collect())
    }
}
