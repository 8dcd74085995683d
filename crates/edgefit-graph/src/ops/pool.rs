//! `MaxPool` and `AveragePool`.

use super::context::Context;
use super::window::{Extent, Window};
use crate::error::Result;

/// Pooling over windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// What is taken from each window.
    pub kind: PoolKind,
    /// Window size per spatial dimension.
    pub kernel: Vec<usize>,
    /// Strides, dilations and padding.
    pub window: Window,
    /// Whether a mean that counts padding is of a whole window even where that reaches past the
    /// padding, as ONNX Runtime has it before opset 19.
    pub whole_windows: bool,
    /// Whether the indices of maxima count columns first.
    pub column_major: bool,
}

/// What a [`Pool`] takes from each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element.
    Max,
    /// The mean.
    Average {
        /// Whether padding counts as elements of value 0.
        count_include_pad: bool,
    },
}

impl Pool {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let kind = match context.node.op.as_str() {
            "MaxPool" => PoolKind::Max,
            _ => PoolKind::Average {
                count_include_pad: context.node.int_or("count_include_pad", 0)? != 0,
            },
        };
        let kernel = context
            .sizes("kernel_shape", 0)?
            .ok_or_else(|| context.invalid("attribute 'kernel_shape' is missing"))?;
        Ok(Pool {
            kind,
            kernel,
            window: Window::read(context)?,
            whole_windows: context.opset() < 19,
            column_major: context.node.int_or("storage_order", 0)? != 0,
        })
    }

    /// The window over each spatial dimension.
    ///
    /// # Errors
    /// The shapes do not go together.
    pub fn extents(&self, x: &[usize]) -> Result<Vec<Extent>, String> {
        if x.len() < 3 {
            return Err(format!("cannot pool a tensor of shape {x:?}"));
        }
        self.window.over(&x[2..], &self.kernel)
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let extents = self.extents(x)?;
        let spatial = extents.iter().map(|extent| extent.output);
        Ok(x[..2].iter().copied().chain(spatial).collect())
    }
}
