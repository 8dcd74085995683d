//! Windows that slide over the spatial dimensions, and their padding.

use super::context::Context;
use crate::error::Result;
use crate::unsupported::UnsupportedReason;

/// A window that slides over the spatial dimensions: of a convolution or of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Step per spatial dimension; empty means 1 everywhere.
    strides: Vec<usize>,
    /// Distance of neighbouring kernel elements; empty means 1 everywhere.
    dilations: Vec<usize>,
    /// What is added around the input.
    pub(super) padding: Padding,
    /// Whether a last, partial window counts.
    ceil_mode: bool,
}

/// Padding rule of a [`Window`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Padding {
    /// Amounts before each spatial dimension, then after each; empty means none.
    Explicit(Vec<usize>),
    /// As much as keeps `output = ceil(input / stride)`; of an odd amount the larger half is at the end.
    SameUpper,
    /// The same, with the larger half at the front.
    SameLower,
}

/// A [`Window`] laid over one dimension of known size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Number of kernel elements.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
    /// Distance of neighbouring kernel elements.
    pub dilation: usize,
    /// Padding before the first element.
    pub before: usize,
    /// Padding after the last element.
    pub after: usize,
    /// Number of output positions.
    pub output: usize,
}

impl Window {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let padding = match context.node.string_or("auto_pad", "NOTSET")? {
            "NOTSET" => {
                if context
                    .node
                    .ints("pads")?
                    .is_some_and(|pads| pads.iter().any(|&pad| pad < 0))
                {
                    return Err(context.unsupported(UnsupportedReason::NegativePadding));
                }
                Padding::Explicit(context.sizes("pads", 0)?.unwrap_or_default())
            }
            "VALID" => Padding::Explicit(Vec::new()),
            "SAME_UPPER" => Padding::SameUpper,
            "SAME_LOWER" => Padding::SameLower,
            other => return Err(context.invalid(format!("auto_pad '{other}' is not known"))),
        };
        Ok(Window {
            strides: context.sizes("strides", 1)?.unwrap_or_default(),
            dilations: context.sizes("dilations", 1)?.unwrap_or_default(),
            padding,
            ceil_mode: context.node.int_or("ceil_mode", 0)? != 0,
        })
    }

    /// Lays a window of size `kernel` over an input of spatial size `spatial`.
    ///
    /// # Errors
    /// The attributes do not fit the number of dimensions, or the window is larger than the
    /// padded input.
    pub fn over(&self, spatial: &[usize], kernel: &[usize]) -> Result<Vec<Extent>, String> {
        let rank = spatial.len();
        let pads_fit = match &self.padding {
            Padding::Explicit(pads) => pads.is_empty() || pads.len() == 2 * rank,
            _ => true,
        };
        let fits = |list: &[usize]| list.is_empty() || list.len() == rank;
        if kernel.len() != rank || !fits(&self.strides) || !fits(&self.dilations) || !pads_fit {
            return Err(format!(
                "kernel {kernel:?}, strides, dilations or pads do not have one entry for each of \
                 the {rank} spatial dimensions"
            ));
        }
        (0..rank)
            .map(|axis| self.along(axis, rank, spatial[axis], kernel[axis]))
            .collect()
    }

    /// Stride and dilation along spatial dimension `axis`.
    pub(super) fn steps(&self, axis: usize) -> (usize, usize) {
        let pick = |list: &[usize]| list.get(axis).copied().unwrap_or(1);
        (pick(&self.strides), pick(&self.dilations))
    }

    fn along(
        &self,
        axis: usize,
        rank: usize,
        size: usize,
        kernel: usize,
    ) -> Result<Extent, String> {
        let (stride, dilation) = self.steps(axis);
        let too_large =
            || format!("a kernel of {kernel} elements does not fit into {size} elements");
        let reach = kernel
            .checked_sub(1)
            .and_then(|gaps| gaps.checked_mul(dilation))
            .and_then(|span| span.checked_add(1))
            .ok_or_else(too_large)?;
        let (before, after) = match &self.padding {
            Padding::Explicit(pads) => (
                pads.get(axis).copied().unwrap_or(0),
                pads.get(axis + rank).copied().unwrap_or(0),
            ),
            same => {
                let output = size.div_ceil(stride);
                let total = output
                    .saturating_sub(1)
                    .saturating_mul(stride)
                    .saturating_add(reach)
                    .saturating_sub(size);
                let small = total / 2;
                match same {
                    Padding::SameLower => (total - small, small),
                    _ => (small, total - small),
                }
            }
        };
        let padding = before.saturating_add(after);
        if padding > size.saturating_mul(64).saturating_add(256) {
            return Err(format!(
                "{padding} elements of padding around {size} cannot be meant"
            ));
        }
        let free = size
            .checked_add(before)
            .and_then(|sum| sum.checked_add(after))
            .and_then(|padded| padded.checked_sub(reach))
            .ok_or_else(too_large)?;
        let mut output = free / stride + 1;
        if self.ceil_mode && free % stride != 0 {
            // A window that would start in the padding behind the input does not count.
            let start = (free / stride + 1).saturating_mul(stride);
            if start < size.saturating_add(before) {
                output += 1;
            }
        }
        Ok(Extent {
            kernel,
            stride,
            dilation,
            before,
            after,
            output,
        })
    }

    /// A window over one dimension with explicit pads.
    #[cfg(test)]
    fn explicit(stride: usize, pads: [usize; 2]) -> Self {
        Window {
            strides: vec![stride],
            dilations: Vec::new(),
            padding: Padding::Explicit(pads.to_vec()),
            ceil_mode: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes() {
        // (size, kernel, stride, pads, ceil_mode, output)
        let cases = [
            (224, 3, 2, [1, 1], false, 112),
            (224, 3, 2, [0, 1], false, 112),
            (7, 7, 1, [0, 0], false, 1),
            (5, 2, 2, [0, 0], false, 2),
            (5, 2, 2, [0, 0], true, 3),
            // The third window would start at padded position 4, behind the input: not counted.
            (3, 1, 2, [0, 1], true, 2),
        ];
        for (size, kernel, stride, pads, ceil_mode, output) in cases {
            let window = Window {
                ceil_mode,
                ..Window::explicit(stride, pads)
            };
            let extents = window.over(&[size], &[kernel]).unwrap();
            assert_eq!(
                extents[0].output, output,
                "{size} {kernel} {stride} {pads:?}"
            );
        }
    }

    #[test]
    fn the_larger_half_of_same_padding_is_where_the_rule_says() {
        let mut window = Window::explicit(2, [0, 0]);
        window.padding = Padding::SameUpper;
        let upper = window.over(&[224], &[3]).unwrap()[0];
        assert_eq!((upper.before, upper.after, upper.output), (0, 1, 112));
        window.padding = Padding::SameLower;
        let lower = window.over(&[224], &[3]).unwrap()[0];
        assert_eq!((lower.before, lower.after, lower.output), (1, 0, 112));
    }

    #[test]
    fn a_window_larger_than_its_input_is_an_error() {
        let window = Window::explicit(1, [0, 0]);
        assert!(window.over(&[2], &[3]).is_err());
        assert!(window.over(&[2], &[0]).is_err());
        assert!(window.over(&[2, 2], &[3]).is_err());
        assert!(Window::explicit(1, [1 << 40, 0]).over(&[2], &[3]).is_err());
    }
}
