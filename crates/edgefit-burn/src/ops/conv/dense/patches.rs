//! The patches of an image: what each output position of a convolution reads.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::super::super::float::Float;
use super::super::axis::Axis;

/// Patches of images of so many channels; the axes are height and width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patches {
    pub inputs: usize,
    pub axes: [Axis; 2],
}

/// Neighbouring positions that read elements of one row of an image with one element of the kernel.
struct Run {
    /// Of the positions that are wanted.
    positions: Range<usize>,
    /// The first element that is read, in the channel of the image; the next ones follow at the stride.
    from: usize,
}

impl Patches {
    /// Elements of a patch.
    pub fn elements(&self) -> usize {
        self.inputs * self.kernel()
    }

    /// Output positions of an image.
    pub fn positions(&self) -> usize {
        self.axes.iter().map(|axis| axis.extent.output).product()
    }

    /// Elements of an image.
    pub fn image(&self) -> usize {
        self.inputs * self.plane()
    }

    /// Elements of a channel of an image.
    fn plane(&self) -> usize {
        self.axes.iter().map(|axis| axis.input).product()
    }

    /// Elements of a kernel in one channel.
    fn kernel(&self) -> usize {
        self.axes.iter().map(|axis| axis.extent.kernel).product()
    }

    fn stride(&self) -> usize {
        self.axes[1].extent.stride
    }

    /// Writes the patches of the same positions of `images`, image after image in each row: a row for each
    /// element of a patch.
    pub fn gather<T: Float>(&self, images: &[T], positions: &Range<usize>, to: &mut [T]) {
        let columns = images.len() / self.image() * positions.len();
        let rows = to.chunks_exact_mut(self.kernel() * columns);
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (channel, rows) in rows.take(self.inputs).enumerate() {
                    self.gather_channel(images, channel, positions, rows);
                }
            },
        );
    }

    /// The same on all threads.
    pub fn gather_on_all_threads<T: Float>(
        &self,
        images: &[T],
        positions: &Range<usize>,
        to: &mut [T],
    ) {
        let columns = images.len() / self.image() * positions.len();
        let rows = to.par_chunks_exact_mut(self.kernel() * columns);
        rows.take(self.inputs)
            .enumerate()
            .for_each(|(channel, rows)| {
                Arch::new().dispatch(
                    #[inline(always)]
                    || self.gather_channel(images, channel, positions, rows),
                );
            });
    }

    #[inline(always)]
    fn gather_channel<T: Float>(
        &self,
        images: &[T],
        channel: usize,
        positions: &Range<usize>,
        rows: &mut [T],
    ) {
        let pieces = rows.chunks_exact_mut(positions.len()).enumerate();
        let count = images.len() / self.image();
        for (at, to) in pieces {
            let (element, image) = (at / count, at % count);
            let plane = &images[image * self.image() + channel * self.plane()..][..self.plane()];
            let mut written = 0;
            self.runs(element, positions, |run| {
                to[written..run.positions.start].fill(T::default());
                written = run.positions.end;
                let to = &mut to[run.positions];
                match self.stride() {
                    1 => to.copy_from_slice(&plane[run.from..][..to.len()]),
                    stride => {
                        let from = plane[run.from..].iter().step_by(stride);
                        for (to, from) in to.iter_mut().zip(from) {
                            *to = *from;
                        }
                    }
                }
            });
            to[written..].fill(T::default());
        }
    }

    /// Adds patches to `images`, from where [`Patches::gather`] takes them.
    pub fn scatter<T: Float>(&self, patches: &[T], positions: &Range<usize>, images: &mut [T]) {
        let count = images.len() / self.image();
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (at, from) in patches.chunks_exact(positions.len()).enumerate() {
                    let (row, image) = (at / count, at % count);
                    let (channel, element) = (row / self.kernel(), row % self.kernel());
                    let start = image * self.image() + channel * self.plane();
                    let plane = &mut images[start..][..self.plane()];
                    self.runs(element, positions, |run| {
                        let from = &from[run.positions];
                        match self.stride() {
                            1 => {
                                let to = &mut plane[run.from..][..from.len()];
                                for (to, from) in to.iter_mut().zip(from) {
                                    *to += *from;
                                }
                            }
                            stride => {
                                let to = plane[run.from..].iter_mut().step_by(stride);
                                for (to, from) in to.zip(from) {
                                    *to += *from;
                                }
                            }
                        }
                    });
                }
            },
        );
    }

    /// Calls `each` with what an element of the kernel reads for `positions`, row by row, but for rows where it
    /// reads padding alone.
    #[inline(always)]
    fn runs(&self, element: usize, positions: &Range<usize>, mut each: impl FnMut(Run)) {
        let [rows, columns] = self.axes;
        let kernel = columns.extent.kernel;
        let (down, right) = (element / kernel, element % kernel);
        let width = columns.extent.output;
        let inside = inside(columns, right);
        for row in positions.start / width..positions.end.div_ceil(width) {
            let first = (row * width + inside.start).max(positions.start);
            let end = (row * width + inside.end).min(positions.end);
            let Some(y) = read(rows, down, row).filter(|_| first < end) else {
                continue;
            };
            if let Some(x) = read(columns, right, first - row * width) {
                each(Run {
                    positions: first - positions.start..end - positions.start,
                    from: y * columns.input + x,
                });
            }
        }
    }
}

/// What an element of the kernel reads for an output position; `None` for padding.
#[inline(always)]
fn read(axis: Axis, element: usize, position: usize) -> Option<usize> {
    let at = position * axis.extent.stride + element * axis.extent.dilation;
    let at = at.checked_sub(axis.extent.before)?;
    (at < axis.input).then_some(at)
}

/// The output positions for which an element of the kernel does not read padding.
fn inside(axis: Axis, element: usize) -> Range<usize> {
    let extent = axis.extent;
    let offset = element * extent.dilation;
    let first = extent.before.saturating_sub(offset).div_ceil(extent.stride);
    let end = (axis.input + extent.before)
        .saturating_sub(offset)
        .div_ceil(extent.stride);
    first.min(extent.output)..end.min(extent.output)
}
