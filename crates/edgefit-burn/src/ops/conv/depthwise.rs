//! Depthwise convolution of images, and its gradients, plane by plane.
//!
//! A padded plane is split into one phase for each pair of a row and a column modulo the strides, all
//! with rows of the same pitch, and the result gets rows of that pitch, too. Then each kernel element
//! reads a phase from some offset on, and a whole plane is one loop over neighbouring elements for each
//! of them: no borders, and no strides.

mod axis;
mod layout;
mod plane;

use std::mem::MaybeUninit;

use pulp::Arch;
use rayon::prelude::*;

use super::float::{Float, vec_written_by};
pub(crate) use axis::{Axis, depthwise_scratch};
use layout::{LANES, Layout};
use plane::{Forward, InputGradient, WeightGradient};

/// Planes that a thread takes at once, at least.
const PLANES: usize = 16;

/// A convolution of which every channel has a kernel of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depthwise {
    channels: usize,
    layout: Layout,
}

impl Depthwise {
    /// `axes` are height and width.
    pub fn new(channels: usize, axes: [Axis; 2]) -> Self {
        Depthwise {
            channels,
            layout: Layout { axes },
        }
    }

    /// The result (samples, channels, height, width) of `x` with the kernels `weight`.
    pub fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let layout = &self.layout;
        let elements = layout.kernel_elements();
        let arch = Arch::new();
        let scratch = || {
            let pitched = vec![T::default(); layout.pitched_output().next_multiple_of(LANES)];
            (layout.phases(), pitched)
        };
        let write = |y: &mut [MaybeUninit<T>]| {
            let planes = y.par_chunks_exact_mut(layout.output()).with_min_len(PLANES);
            let planes = planes.zip(x.par_chunks_exact(layout.input())).enumerate();
            planes.for_each_init(scratch, |(phases, pitched), (index, (y, x))| {
                arch.dispatch(Forward {
                    layout,
                    elements: &elements,
                    x,
                    weight: self.kernel_of(weight, index),
                    phases,
                    pitched,
                    y,
                });
            });
        };
        let planes = x.len() / layout.input();
        // SAFETY: there is a plane of `x` for each of the result, all rows of which `Forward` writes.
        unsafe { vec_written_by(planes * layout.output(), write) }
    }

    /// The gradient of the input from that of the result.
    pub fn input_gradient<T: Float>(&self, gradient: &[T], weight: &[T]) -> Vec<T> {
        let layout = &self.layout;
        let mut made = vec![T::default(); gradient.len() / layout.output() * layout.input()];
        let elements = layout.kernel_elements();
        // Zeros before the first element, which the first elements of a phase read.
        let margin = elements.iter().map(|element| element.start).max();
        let margin = margin.unwrap_or(0);
        let arch = Arch::new();
        let scratch = || {
            let pitched = vec![T::default(); margin + layout.phase_size() + LANES];
            (layout.phases(), pitched)
        };
        let planes = made
            .par_chunks_exact_mut(layout.input())
            .with_min_len(PLANES);
        let planes = planes.zip(gradient.par_chunks_exact(layout.output()));
        planes.enumerate().for_each_init(
            scratch,
            |(phases, pitched), (index, (made, gradient))| {
                arch.dispatch(InputGradient {
                    layout,
                    elements: &elements,
                    margin,
                    gradient,
                    weight: self.kernel_of(weight, index),
                    phases,
                    pitched,
                    made,
                });
            },
        );
        made
    }

    /// The gradient of the weight from that of the result. The sums of a channel are the same on any
    /// number of threads.
    pub fn weight_gradient<T: Float>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let layout = &self.layout;
        let mut made = vec![T::default(); self.channels * layout.kernel()];
        let elements = layout.kernel_elements();
        let arch = Arch::new();
        let scratch = || {
            let pitched = vec![T::default(); layout.pitched_output() + LANES];
            let sums = vec![[T::default(); LANES]; layout.kernel()];
            (layout.phases(), pitched, sums)
        };
        made.par_chunks_exact_mut(layout.kernel())
            .enumerate()
            .for_each_init(scratch, |(phases, pitched, sums), (channel, made)| {
                sums.fill([T::default(); LANES]);
                let xs = x.chunks_exact(layout.input());
                let gradients = gradient.chunks_exact(layout.output());
                let planes = xs.zip(gradients).skip(channel).step_by(self.channels);
                for (x, gradient) in planes {
                    arch.dispatch(WeightGradient {
                        layout,
                        elements: &elements,
                        x,
                        gradient,
                        phases,
                        pitched,
                        sums,
                    });
                }
                for (made, sums) in made.iter_mut().zip(sums) {
                    *made = sums.iter().copied().sum();
                }
            });
        made
    }

    /// The kernel of a plane's channel.
    fn kernel_of<'w, T>(&self, weight: &'w [T], plane: usize) -> &'w [T] {
        &weight[plane % self.channels * self.layout.kernel()..][..self.layout.kernel()]
    }
}
