//! `Conv` and `ConvTranspose`.

use super::context::Context;
use super::window::{Extent, Padding, Window};
use crate::error::Result;

/// Convolution over any number of spatial dimensions.
///
/// Input (batch, in, spatial…), weight (out, in / groups, kernel…), optional bias (out).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Strides, dilations and padding.
    pub window: Window,
    /// Number of channel groups; equal to the input channels in a depthwise convolution.
    pub groups: usize,
}

/// Transposed convolution: what the backward pass of a [`Conv`] does to its gradient.
///
/// Input (batch, in, spatial…), weight (in, out / groups, kernel…), optional bias (out).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Strides, dilations and padding; the padding is taken off the result.
    pub window: Window,
    /// Number of channel groups.
    pub groups: usize,
    /// Elements added at the end of each spatial dimension; empty means none.
    output_padding: Vec<usize>,
    /// The spatial shape of the result, where the node gives that instead of the padding.
    output_shape: Option<Vec<usize>>,
}

/// A [`ConvTranspose`] laid out along one dimension of known size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransposedExtent {
    /// Step.
    pub stride: usize,
    /// Distance of neighbouring kernel elements.
    pub dilation: usize,
    /// Elements of the untrimmed result that are dropped at its front.
    pub before: usize,
    /// Size of the untrimmed result.
    pub full: usize,
    /// Size of the result: what remains after `before`, or more, filled with zeros.
    pub output: usize,
}

fn groups(context: &Context) -> Result<usize> {
    let groups = context.node.int_or("group", 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| context.invalid(format!("attribute 'group' is {groups}")))
}

impl Conv {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Conv {
            window: Window::read(context)?,
            groups: groups(context)?,
        })
    }

    /// The window over each spatial dimension.
    ///
    /// # Errors
    /// The shapes do not go together.
    pub fn extents(&self, x: &[usize], weight: &[usize]) -> Result<Vec<Extent>, String> {
        if x.len() < 3 || weight.len() != x.len() {
            return Err(format!(
                "cannot convolve {x:?} with a weight of shape {weight:?}"
            ));
        }
        if weight[1].checked_mul(self.groups) != Some(x[1])
            || !weight[0].is_multiple_of(self.groups)
        {
            return Err(format!(
                "{} channels do not go with a weight of shape {weight:?} in {} groups",
                x[1], self.groups
            ));
        }
        self.window.over(&x[2..], &weight[2..])
    }

    pub(super) fn infer(&self, x: &[usize], weight: &[usize]) -> Result<Vec<usize>, String> {
        let extents = self.extents(x, weight)?;
        let spatial = extents.iter().map(|extent| extent.output);
        Ok([x[0], weight[0]].into_iter().chain(spatial).collect())
    }
}

impl ConvTranspose {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let output_shape = context.sizes("output_shape", 1)?;
        Ok(ConvTranspose {
            window: Window::read(context)?,
            groups: groups(context)?,
            output_padding: context.sizes("output_padding", 0)?.unwrap_or_default(),
            output_shape,
        })
    }

    /// How the kernel spreads each spatial dimension.
    ///
    /// # Errors
    /// The shapes do not go together.
    pub fn extents(&self, x: &[usize], weight: &[usize]) -> Result<Vec<TransposedExtent>, String> {
        let problem = || {
            format!(
                "cannot convolve {x:?} backwards with a weight of shape {weight:?} in {} groups",
                self.groups
            )
        };
        if x.len() < 3
            || weight.len() != x.len()
            || weight[0] != x[1]
            || !x[1].is_multiple_of(self.groups)
        {
            return Err(problem());
        }
        let rank = x.len() - 2;
        // TensorFlow's exporters write the batch and the channels, too.
        let wanted = match self.output_shape.as_deref() {
            Some(shape) if shape.len() == x.len() => Some(&shape[2..]),
            other => other,
        };
        let lengths = [self.output_padding.len(), wanted.map_or(0, <[usize]>::len)];
        if lengths.iter().any(|&length| length != 0 && length != rank) {
            return Err(format!(
                "'output_padding' or 'output_shape' do not have {rank} entries"
            ));
        }
        (0..rank)
            .map(|axis| {
                let (stride, dilation) = self.window.steps(axis);
                let extra = self.output_padding.get(axis).copied().unwrap_or(0);
                let reach = weight[axis + 2]
                    .checked_sub(1)
                    .and_then(|gaps| gaps.checked_mul(dilation))?
                    .checked_add(1)?;
                let full = x[axis + 2]
                    .checked_sub(1)?
                    .checked_mul(stride)?
                    .checked_add(reach)?;
                let long = full.checked_add(extra)?;
                let (before, output) = match (&self.window.padding, wanted) {
                    (Padding::Explicit(pads), None) => {
                        let before = pads.get(axis).copied().unwrap_or(0);
                        let after = pads.get(axis + rank).copied().unwrap_or(0);
                        (before, long.checked_sub(before.checked_add(after)?)?)
                    }
                    (padding, wanted) => {
                        let output = match wanted {
                            Some(shape) => shape[axis],
                            None => x[axis + 2].checked_mul(stride)?,
                        };
                        let total = long.saturating_sub(output);
                        // An odd amount of padding: the larger half is at the end only for SAME_UPPER.
                        match padding {
                            Padding::SameUpper => (total / 2, output),
                            _ => (total - total / 2, output),
                        }
                    }
                };
                let fits = before < full
                    && output > 0
                    && output <= full.checked_mul(2)?.checked_add(64)?;
                fits.then_some(TransposedExtent {
                    stride,
                    dilation,
                    before,
                    full,
                    output,
                })
            })
            .map(|extent| extent.ok_or_else(problem))
            .collect()
    }

    pub(super) fn infer(&self, x: &[usize], weight: &[usize]) -> Result<Vec<usize>, String> {
        let extents = self.extents(x, weight)?;
        let channels = weight[1].saturating_mul(self.groups);
        let spatial = extents.iter().map(|extent| extent.output);
        Ok([x[0], channels].into_iter().chain(spatial).collect())
    }
}
