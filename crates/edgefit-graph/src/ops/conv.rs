use super::{Context, Extent, Window};
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

impl Conv {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let groups = context.node.int_or("group", 1)?;
        Ok(Conv {
            window: Window::read(context)?,
            groups: usize::try_from(groups)
                .ok()
                .filter(|&groups| groups > 0)
                .ok_or_else(|| context.invalid(format!("attribute 'group' is {groups}")))?,
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
