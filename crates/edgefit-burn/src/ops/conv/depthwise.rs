//! Depthwise convolution of images, and its gradients, plane by plane.
//!
//! A padded plane is split into one phase for each pair of a row and a column modulo the strides, all
//! with rows of the same pitch, and the result gets rows of that pitch, too. Then each kernel element
//! reads a phase from some offset on, and a whole plane is one loop over neighbouring elements for each
//! of them: no borders, and no strides.

mod layout;
mod plane;

use std::mem::MaybeUninit;

use pulp::Arch;
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::{Float, vec_written_by};
use super::axis::Axis;
use super::backward::{Made, Read};
use layout::{LANES, Layout, Phases};
use plane::{Forward, InputGradient, PitchedGradient, WeightGradient};

/// Planes that a thread takes at once, at least.
const PLANES: usize = 16;

/// Most elements of scratch that a thread takes: the phases of a plane, and a result with the row
/// pitch of the phases and zeros before it.
pub(crate) fn depthwise_scratch(axes: [Axis; 2]) -> u64 {
    let [rows, columns] = axes;
    let product = |down: usize, right: usize| (down as u64).saturating_mul(right as u64);
    let phase = product(rows.phase_length(), columns.phase_length());
    let phases = product(rows.extent.stride, columns.extent.stride);
    phases.saturating_add(2).saturating_mul(phase)
}

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

    /// The result (samples, channels, height, width): the activation of `x` with the kernels `weight`, plus the
    /// bias.
    pub fn forward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        bias: &[T],
        activation: Activation,
    ) -> Vec<T> {
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
                });
                let rows = pitched.chunks_mut(layout.row_pitch());
                let width = layout.axes[1].extent.output;
                for (y, row) in y.chunks_exact_mut(width).zip(rows) {
                    y.write_copy_of_slice(&row[..width]);
                }
                // SAFETY: all rows were written.
                let y = unsafe { y.assume_init_mut() };
                activation.apply(y, bias[index % self.channels]);
            });
        };
        let planes = x.len() / layout.input();
        // SAFETY: there is a plane of `x` for each of the result, all rows of which are written.
        unsafe { vec_written_by(planes * layout.output(), write) }
    }

    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for: channel by
    /// channel, so that each plane of the gradient is read once, and the sums are the same on any number of threads.
    pub fn backward<T: Float>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        let layout = &self.layout;
        let samples = read.x.len() / (layout.input() * self.channels);
        let mut of_x = vec![T::default(); if asked[0] { read.x.len() } else { 0 }];
        let mut of_weight = vec![T::default(); self.channels * layout.kernel()];
        let mut of_bias = vec![T::default(); self.channels];
        let elements = layout.kernel_elements();
        // Zeros before the first element, which the first elements of a phase read.
        let margin = elements.iter().map(|element| element.start).max();
        let margin = margin.unwrap_or(0);
        let arch = Arch::new();
        let scratch = || Scratch {
            phases: layout.phases(),
            gradients: layout.phases(),
            pitched: vec![T::default(); margin + layout.phase_size() + LANES],
            row: Vec::with_capacity(layout.output()),
            sums: vec![[T::default(); LANES]; layout.kernel()],
        };
        // The planes of each channel, sample by sample.
        let mut planes: Vec<Vec<&mut [T]>> = Vec::new();
        planes.resize_with(self.channels, || Vec::with_capacity(samples));
        for (index, plane) in of_x.chunks_exact_mut(layout.input()).enumerate() {
            planes[index % self.channels].push(plane);
        }
        let channels = planes
            .into_par_iter()
            .zip(of_weight.par_chunks_exact_mut(layout.kernel()))
            .zip(&mut of_bias);
        channels.enumerate().for_each_init(
            scratch,
            |scratch, (channel, ((planes, of_weight), of_bias))| {
                scratch.sums.fill([T::default(); LANES]);
                let mut planes = planes.into_iter();
                for sample in 0..samples {
                    let index = sample * self.channels + channel;
                    let of_plane = index * layout.output()..(index + 1) * layout.output();
                    let gradient = PitchedGradient {
                        layout,
                        gradient: &gradient[of_plane.clone()],
                        kept: read.kept.get(of_plane).unwrap_or(&[]),
                        activation,
                    };
                    *of_bias += gradient.write(&mut scratch.pitched[margin..], &mut scratch.row);
                    if asked[1] {
                        arch.dispatch(WeightGradient {
                            layout,
                            elements: &elements,
                            x: &read.x[index * layout.input()..][..layout.input()],
                            phases: &mut scratch.phases,
                            pitched: &scratch.pitched[margin..],
                            sums: &mut scratch.sums,
                        });
                    }
                    if let Some(made) = planes.next() {
                        arch.dispatch(InputGradient {
                            layout,
                            elements: &elements,
                            margin,
                            weight: self.kernel_of(read.weight, channel),
                            phases: &mut scratch.gradients,
                            pitched: &scratch.pitched,
                            made,
                        });
                    }
                }
                for (made, sums) in of_weight.iter_mut().zip(&scratch.sums) {
                    *made = sums.iter().copied().sum();
                }
            },
        );
        [
            asked[0].then_some(of_x),
            asked[1].then_some(of_weight),
            asked[2].then_some(of_bias),
        ]
    }

    /// The kernel of a plane's channel.
    fn kernel_of<'w, T>(&self, weight: &'w [T], plane: usize) -> &'w [T] {
        &weight[plane % self.channels * self.layout.kernel()..][..self.layout.kernel()]
    }
}

/// What a thread needs for one channel after the other.
struct Scratch<T> {
    /// Of the input.
    phases: Phases<T>,
    /// Of its gradient.
    gradients: Phases<T>,
    pitched: Vec<T>,
    /// A plane of the gradient before the activation.
    row: Vec<T>,
    sums: Vec<[T; LANES]>,
}
