//! One axis of an image that is convolved, and how it is split into phases.
//!
//! With stride s, the padded input is split into s phases: phase p holds the elements p, p + s, p + 2s
//! and so on. Each kernel element then reads neighbouring elements of a single phase for neighbouring
//! output positions.

use edgefit_graph::ops::Extent;

/// One of the two dimensions of an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub input: usize,
    pub extent: Extent,
}

/// Neighbours of a phase that lie in the input, and not in its padding.
pub(super) struct Run {
    /// The first of them in the input; the next ones follow at the stride.
    pub input_start: usize,
    /// The first of them in the phase.
    pub phase_start: usize,
    pub length: usize,
}

impl Axis {
    /// Length of a phase.
    pub fn phase_length(&self) -> usize {
        self.extent.output + (self.extent.kernel - 1) * self.extent.dilation / self.extent.stride
    }

    /// The phase that a kernel element reads, and the index there for the first output position.
    pub fn phase_of(&self, kernel_element: usize) -> (usize, usize) {
        let offset = kernel_element * self.extent.dilation;
        (offset % self.extent.stride, offset / self.extent.stride)
    }

    /// What phase `phase` has of the input.
    pub(super) fn run(&self, phase: usize) -> Run {
        let Extent { before, stride, .. } = self.extent;
        let padding = before.saturating_sub(phase).div_ceil(stride);
        let first = padding * stride + phase - before;
        let inside = self.input.saturating_sub(first).div_ceil(stride);
        Run {
            input_start: first,
            phase_start: padding,
            length: inside.min(self.phase_length().saturating_sub(padding)),
        }
    }
}
