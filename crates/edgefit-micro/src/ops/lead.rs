//! How far a result has to begin before what it is made of, so that both may lie in the same memory.
//!
//! Kernels write a result from its first byte to its last and read in nearly the same order, so that it may take the
//! place of what is not read again: diagonal memory optimisation (Blacker et al. 2020, arXiv 2010.01668).

use super::{Broadcast, Image, Op, Window};

/// Positions that a kernel may work on at once.
const AT_ONCE: usize = 2;

/// Sizes of an op that slides a window over an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sliding {
    /// What is read.
    pub input: Image,
    /// What is written.
    pub output: Image,
    /// The window.
    pub window: Window,
}

impl Op {
    /// The sizes of an op that slides a window.
    pub(crate) fn sliding(&self) -> Option<Sliding> {
        let (input, output, window) = match self {
            Op::Conv(op) => (op.input, op.output, op.window),
            Op::Depthwise(op) => (op.input, op.output, op.window),
            Op::AveragePool(op) => (op.input, op.output, op.window),
            Op::MaxPool(op) => (op.input, op.output, op.window),
            _ => return None,
        };
        Some(Sliding {
            input,
            output,
            window,
        })
    }

    /// Bytes by which the result has to begin at least before an input that is read for the last time, so that
    /// nothing is overwritten that is still read; `None` where the two may share no byte.
    pub(crate) fn lead(&self) -> Option<usize> {
        match self {
            Op::Add(op) => in_place(&op.broadcast),
            Op::Mul(op) => in_place(&op.broadcast),
            Op::Table(_) => Some(0),
            op => op.sliding().map(|sliding| sliding.lead()),
        }
    }
}

/// Of elements that meet one by one, each is read before its place is written.
fn in_place(broadcast: &Broadcast) -> Option<usize> {
    (broadcast.strides == [[0, 0, 0, 1]; 2]).then_some(0)
}

impl Sliding {
    /// As [`Op::lead`].
    ///
    /// What is written up to a position ends before the first byte that is read there or later. Both grow linearly
    /// with the position, but where the window leaves the padding, so the ends and that place are all that count.
    pub fn lead(&self) -> usize {
        let Sliding {
            input,
            output,
            window,
        } = *self;
        let turns = |axis: usize, size: usize| {
            let turn = window.before[axis].div_ceil(window.stride[axis].max(1));
            [0, turn.saturating_sub(1), turn, size.saturating_sub(1)].map(|at| at.min(size - 1))
        };
        let first =
            |axis: usize, at: usize| (at * window.stride[axis]).saturating_sub(window.before[axis]);
        let mut lead = 0;
        for y in turns(0, output.height.max(1)) {
            let row = first(0, y);
            // The next row may begin where this one does.
            let repeats = first(0, y + 1) == row && y + 1 < output.height;
            for x in turns(1, output.width.max(1)) {
                let column = if repeats { 0 } else { first(1, x) };
                let written = (y * output.width + x + AT_ONCE) * output.channels;
                let read = (row * input.width + column) * input.channels;
                lead = lead.max(written.saturating_sub(read));
            }
        }
        lead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, by looking at every position.
    fn at_every_position(sliding: &Sliding) -> usize {
        let Sliding {
            input,
            output,
            window,
        } = *sliding;
        let mut lead = 0;
        let mut least = usize::MAX;
        for y in (0..output.height).rev() {
            for x in (0..output.width).rev() {
                let rows = window.inside(0, y, input.height);
                for (_, row) in rows {
                    for (_, column) in window.inside(1, x, input.width) {
                        least = least.min((row * input.width + column) * input.channels);
                    }
                }
                let written = (y * output.width + x + 1) * output.channels;
                lead = lead.max(written.saturating_sub(least));
            }
        }
        lead
    }

    #[test]
    fn a_lead_is_enough_and_little_more_than_enough() {
        let mut tried = 0;
        for kernel in 1..=5 {
            for stride in 1..=3 {
                for before in 0..kernel {
                    for [inputs, outputs] in [[4, 4], [3, 8], [8, 2]] {
                        let input = Image {
                            height: 9,
                            width: 11,
                            channels: inputs,
                        };
                        let places = |size: usize| (size + 2 * before - kernel) / stride + 1;
                        let output = Image {
                            height: places(input.height),
                            width: places(input.width),
                            channels: outputs,
                        };
                        let sliding = Sliding {
                            input,
                            output,
                            window: Window {
                                kernel: [kernel; 2],
                                stride: [stride; 2],
                                dilation: [1; 2],
                                before: [before; 2],
                            },
                        };
                        let [lead, exact] = [sliding.lead(), at_every_position(&sliding)];
                        assert!(lead >= exact, "{sliding:?}: {lead} < {exact}");
                        let row = output.width * outputs;
                        assert!(
                            lead <= exact + row + 2 * outputs,
                            "{sliding:?}: {lead} > {exact}"
                        );
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 100);
    }

    #[test]
    fn a_depthwise_convolution_needs_its_padding_and_no_more() {
        let image = Image {
            height: 28,
            width: 28,
            channels: 240,
        };
        let sliding = Sliding {
            input: image,
            output: image,
            window: Window {
                kernel: [5; 2],
                stride: [1; 2],
                dilation: [1; 2],
                before: [2; 2],
            },
        };
        assert_eq!(sliding.lead(), (2 * 28 + 2 + 2) * 240);
    }
}
