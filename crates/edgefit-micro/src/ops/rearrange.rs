//! Ops that only move bytes.

use super::window::Image;

/// Adds rows and columns around an image, and channels before and behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pad {
    /// What is read.
    pub input: Image,
    /// What is written.
    pub output: Image,
    /// How much is added before height, width and channels.
    pub before: [usize; 3],
    /// The byte that is added.
    pub fill: i8,
}

/// Takes runs of bytes from each input in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat {
    /// How often each input is read.
    pub repeats: usize,
    /// Bytes of a run, for each input.
    pub runs: Vec<usize>,
}

/// Another order of four dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transpose {
    /// Sizes of the result.
    pub dims: [usize; 4],
    /// For each of them, how far apart neighbours lie in the input.
    pub strides: [usize; 4],
}

/// Rows and columns again or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResizeNearest {
    /// What is read.
    pub input: Image,
    /// The row of the input for each row of the result.
    pub rows: Vec<u16>,
    /// The column of the input for each column of the result.
    pub columns: Vec<u16>,
}

impl Pad {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        output.fill(self.fill);
        let [top, left, front] = self.before;
        let Image {
            width, channels, ..
        } = self.input;
        for (at, pixel) in input.chunks_exact(channels).enumerate() {
            let (y, x) = (at / width + top, at % width + left);
            let to = (y * self.output.width + x) * self.output.channels + front;
            output[to..to + channels].copy_from_slice(pixel);
        }
    }
}

impl Concat {
    pub(super) fn run(&self, inputs: &[&[i8]], output: &mut [i8]) {
        let mut to = 0;
        for repeat in 0..self.repeats {
            for (input, &run) in inputs.iter().zip(&self.runs) {
                output[to..to + run].copy_from_slice(&input[repeat * run..][..run]);
                to += run;
            }
        }
    }
}

impl Transpose {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let Transpose { dims, strides } = self;
        let mut results = output.iter_mut();
        for i in 0..dims[0] {
            for j in 0..dims[1] {
                for k in 0..dims[2] {
                    for l in 0..dims[3] {
                        let at = [i, j, k, l];
                        let from = at.iter().zip(strides).map(|(at, stride)| at * stride);
                        if let Some(result) = results.next() {
                            *result = input[from.sum::<usize>()];
                        }
                    }
                }
            }
        }
    }
}

impl ResizeNearest {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let Image {
            width, channels, ..
        } = self.input;
        let mut to = output.chunks_exact_mut(channels);
        for &row in &self.rows {
            for &column in &self.columns {
                let from = (usize::from(row) * width + usize::from(column)) * channels;
                if let Some(pixel) = to.next() {
                    pixel.copy_from_slice(&input[from..from + channels]);
                }
            }
        }
    }
}
