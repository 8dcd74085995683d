//! Depthwise convolution of images, and its gradients, plane by plane.
//!
//! A padded plane is taken apart into one phase for each place of a stride's cell, all with rows of
//! the same pitch, and the result is laid out in rows of that pitch, too. Then each element of the
//! kernel reads a phase from some offset on, and a whole plane is one loop over neighbouring elements
//! for each of them: no borders, and no strides.

use std::mem::MaybeUninit;

use edgefit_graph::ops::Extent;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::number::{Number, written};

/// Elements that are summed up at once. Buffers are longer by as many, so that loops have no rest.
const LANES: usize = 32;

/// Planes that a thread takes at once, at least.
const PLANES: usize = 16;

/// One of the two dimensions of an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub input: usize,
    pub extent: Extent,
}

impl Axis {
    /// Length of a phase.
    fn phase(&self) -> usize {
        self.extent.output + (self.extent.kernel - 1) * self.extent.dilation / self.extent.stride
    }

    /// Phase that an element of the kernel reads, and from which place on.
    fn tap(&self, element: usize) -> (usize, usize) {
        let at = element * self.extent.dilation;
        (at % self.extent.stride, at / self.extent.stride)
    }

    /// First element of the input in phase `phase`, its place there, and how many follow.
    fn run(&self, phase: usize) -> (usize, usize, usize) {
        let skipped = self
            .extent
            .before
            .saturating_sub(phase)
            .div_ceil(self.extent.stride);
        let first = skipped * self.extent.stride + phase - self.extent.before;
        let inside = self
            .input
            .saturating_sub(first)
            .div_ceil(self.extent.stride);
        (
            first,
            skipped,
            inside.min(self.phase().saturating_sub(skipped)),
        )
    }
}

/// Elements that a thread takes beside the images, at most: the phases of a plane, and a result with
/// their pitch and zeros before it.
pub(crate) fn scratch(axes: [Axis; 2]) -> u64 {
    let [rows, columns] = axes;
    let product = |down: usize, right: usize| (down as u64).saturating_mul(right as u64);
    let phase = product(rows.phase(), columns.phase());
    let phases = product(rows.extent.stride, columns.extent.stride);
    phases.saturating_add(2).saturating_mul(phase)
}

/// A convolution of which every channel has a kernel of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depthwise {
    pub channels: usize,
    /// Height and width.
    pub axes: [Axis; 2],
}

impl Depthwise {
    fn input(&self) -> usize {
        self.axes[0].input * self.axes[1].input
    }

    fn output(&self) -> usize {
        self.axes[0].extent.output * self.axes[1].extent.output
    }

    fn kernel(&self) -> usize {
        self.axes[0].extent.kernel * self.axes[1].extent.kernel
    }

    /// Elements of a row of a phase, and of a phase.
    fn pitch(&self) -> (usize, usize) {
        let pitch = self.axes[1].phase();
        (pitch, self.axes[0].phase() * pitch)
    }

    /// Elements from the first of a result to its last.
    fn span(&self) -> usize {
        (self.axes[0].extent.output - 1) * self.axes[1].phase() + self.axes[1].extent.output
    }

    /// Phase of each element of the kernel, and from where on it is read.
    fn taps(&self) -> Vec<(usize, usize)> {
        let [rows, columns] = self.axes;
        let (pitch, _) = self.pitch();
        let row = |element: usize| {
            let (phase, at) = rows.tap(element);
            (phase * columns.extent.stride, at * pitch)
        };
        (0..self.kernel())
            .map(|element| {
                let (above, start) = row(element / columns.extent.kernel);
                let (phase, at) = columns.tap(element % columns.extent.kernel);
                (above + phase, start + at)
            })
            .collect()
    }

    fn phases<T: Number>(&self) -> Phases<T> {
        let [rows, columns] = self.axes;
        let each = self.pitch().1 + LANES;
        Phases {
            all: vec![T::default(); rows.extent.stride * columns.extent.stride * each],
            each,
        }
    }

    /// Calls `each` with the phase, the places in it and in the plane where a run of a row starts,
    /// and its length.
    #[inline(always)]
    fn runs(&self, mut each: impl FnMut(usize, usize, usize, usize)) {
        let [rows, columns] = self.axes;
        let (pitch, _) = self.pitch();
        for above in 0..rows.extent.stride {
            let (top, skipped, count) = rows.run(above);
            for row in 0..count {
                for phase in 0..columns.extent.stride {
                    let (left, start, length) = columns.run(phase);
                    let from = (top + row * rows.extent.stride) * columns.input + left;
                    let to = (skipped + row) * pitch + start;
                    if length > 0 {
                        each(above * columns.extent.stride + phase, to, from, length);
                    }
                }
            }
        }
    }

    /// Takes a plane apart; what lies in the padding stays as it is.
    #[inline(always)]
    fn split<T: Number>(&self, plane: &[T], phases: &mut Phases<T>) {
        let stride = self.axes[1].extent.stride;
        self.runs(|phase, to, from, length| {
            let to = &mut phases.of_mut(phase)[to..][..length];
            if stride == 1 {
                to.copy_from_slice(&plane[from..][..length]);
            } else {
                let from = plane[from..].iter().step_by(stride);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        });
    }

    /// Puts a plane together.
    #[inline(always)]
    fn join<T: Number>(&self, phases: &Phases<T>, plane: &mut [T]) {
        let stride = self.axes[1].extent.stride;
        self.runs(|phase, from, to, length| {
            let from = &phases.of(phase)[from..][..length];
            if stride == 1 {
                plane[to..][..length].copy_from_slice(from);
            } else {
                let to = plane[to..].iter_mut().step_by(stride);
                to.zip(from).for_each(|(to, from)| *to = *from);
            }
        });
    }

    /// Lays the rows of a result out with the pitch of the phases; what lies between them stays.
    #[inline(always)]
    fn spread<T: Number>(&self, result: &[T], spread: &mut [T]) {
        let (pitch, _) = self.pitch();
        let rows = result.chunks_exact(self.axes[1].extent.output);
        for (row, to) in rows.zip(spread.chunks_mut(pitch)) {
            to[..row.len()].copy_from_slice(row);
        }
    }

    /// The result (samples, channels, height, width) of `x` with the kernels `weight`.
    pub fn forward<T: Number>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let taps = self.taps();
        let arch = Arch::new();
        let scratch = || {
            let spread = vec![T::default(); self.span().next_multiple_of(LANES)];
            (self.phases(), spread)
        };
        let write = |y: &mut [MaybeUninit<T>]| {
            let planes = y.par_chunks_exact_mut(self.output()).with_min_len(PLANES);
            let planes = planes.zip(x.par_chunks_exact(self.input())).enumerate();
            planes.for_each_init(scratch, |(phases, spread), (index, (y, x))| {
                arch.dispatch(Forward {
                    of: self,
                    taps: &taps,
                    x,
                    weight: self.kernel_of(weight, index),
                    phases,
                    spread,
                    y,
                });
            });
        };
        let planes = x.len() / self.input();
        // SAFETY: there is a plane of `x` for each of the result, all rows of which `Forward` writes.
        unsafe { written(planes * self.output(), write) }
    }

    /// The gradient of the input from that of the result.
    pub fn input_gradient<T: Number>(&self, gradient: &[T], weight: &[T]) -> Vec<T> {
        let mut made = vec![T::default(); gradient.len() / self.output() * self.input()];
        let taps = self.taps();
        // Zeros before the first element are what the first elements of a phase find.
        let margin = taps.iter().map(|(_, start)| *start).max().unwrap_or(0);
        let arch = Arch::new();
        let scratch = || {
            let spread = vec![T::default(); margin + self.pitch().1 + LANES];
            (self.phases(), spread)
        };
        let planes = made.par_chunks_exact_mut(self.input()).with_min_len(PLANES);
        let planes = planes.zip(gradient.par_chunks_exact(self.output()));
        planes
            .enumerate()
            .for_each_init(scratch, |(phases, spread), (index, (made, gradient))| {
                arch.dispatch(InputGradient {
                    of: self,
                    taps: &taps,
                    margin,
                    gradient,
                    weight: self.kernel_of(weight, index),
                    phases,
                    spread,
                    made,
                });
            });
        made
    }

    /// The gradient of the weight from that of the result: for each channel the same sums whatever
    /// the number of threads.
    pub fn weight_gradient<T: Number>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let mut made = vec![T::default(); self.channels * self.kernel()];
        let taps = self.taps();
        let arch = Arch::new();
        let scratch = || {
            let spread = vec![T::default(); self.span() + LANES];
            let sums = vec![[T::default(); LANES]; self.kernel()];
            (self.phases(), spread, sums)
        };
        made.par_chunks_exact_mut(self.kernel())
            .enumerate()
            .for_each_init(scratch, |(phases, spread, sums), (channel, made)| {
                sums.fill([T::default(); LANES]);
                let xs = x.chunks_exact(self.input());
                let gradients = gradient.chunks_exact(self.output());
                let planes = xs.zip(gradients).skip(channel).step_by(self.channels);
                for (x, gradient) in planes {
                    arch.dispatch(WeightGradient {
                        of: self,
                        taps: &taps,
                        x,
                        gradient,
                        phases,
                        spread,
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
        &weight[plane % self.channels * self.kernel()..][..self.kernel()]
    }
}

// What is done with a plane is a type each, because what pulp compiles for the processor at hand takes
// in functions that are always inlined, and no closures.

struct Forward<'a, T> {
    of: &'a Depthwise,
    taps: &'a [(usize, usize)],
    x: &'a [T],
    weight: &'a [T],
    phases: &'a mut Phases<T>,
    spread: &'a mut [T],
    y: &'a mut [MaybeUninit<T>],
}

impl<T: Number> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.of.split(self.x, self.phases);
        for (index, made) in self.spread.chunks_exact_mut(LANES).enumerate() {
            let mut sums = [T::default(); LANES];
            for (&(phase, start), &weight) in self.taps.iter().zip(self.weight) {
                let from = &self.phases.of(phase)[start + index * LANES..];
                add_scaled(&mut sums, from, weight);
            }
            made.copy_from_slice(&sums);
        }
        let rows = self.spread.chunks(self.of.pitch().0);
        let width = self.of.axes[1].extent.output;
        for (y, row) in self.y.chunks_exact_mut(width).zip(rows) {
            y.write_copy_of_slice(&row[..width]);
        }
    }
}

struct InputGradient<'a, T> {
    of: &'a Depthwise,
    taps: &'a [(usize, usize)],
    /// Zeros in front of `spread`.
    margin: usize,
    gradient: &'a [T],
    weight: &'a [T],
    phases: &'a mut Phases<T>,
    spread: &'a mut [T],
    made: &'a mut [T],
}

impl<T: Number> WithSimd for InputGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.of
            .spread(self.gradient, &mut self.spread[self.margin..]);
        let whole = self.of.pitch().1.next_multiple_of(LANES);
        let [rows, columns] = self.of.axes;
        for phase in 0..rows.extent.stride * columns.extent.stride {
            let made = &mut self.phases.of_mut(phase)[..whole];
            for (index, made) in made.chunks_exact_mut(LANES).enumerate() {
                let mut sums = [T::default(); LANES];
                for (&(of, start), &weight) in self.taps.iter().zip(self.weight) {
                    if of == phase {
                        let from = &self.spread[self.margin + index * LANES - start..];
                        add_scaled(&mut sums, from, weight);
                    }
                }
                made.copy_from_slice(&sums);
            }
        }
        self.of.join(self.phases, self.made);
    }
}

struct WeightGradient<'a, T> {
    of: &'a Depthwise,
    taps: &'a [(usize, usize)],
    x: &'a [T],
    gradient: &'a [T],
    phases: &'a mut Phases<T>,
    spread: &'a mut [T],
    /// Sums of products for each element of the channel's kernel, which are added to.
    sums: &'a mut [[T; LANES]],
}

impl<T: Number> WithSimd for WeightGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.of.split(self.x, self.phases);
        self.of.spread(self.gradient, self.spread);
        // What follows the last element of the gradient is zero.
        let whole = self.of.span().next_multiple_of(LANES);
        for (sums, &(phase, start)) in self.sums.iter_mut().zip(self.taps) {
            let phase = &self.phases.of(phase)[start..][..whole];
            add_products(sums, phase, &self.spread[..whole]);
        }
    }
}

/// The phases of a plane, one behind the other.
struct Phases<T> {
    all: Vec<T>,
    each: usize,
}

impl<T> Phases<T> {
    #[inline(always)]
    fn of(&self, phase: usize) -> &[T] {
        &self.all[phase * self.each..][..self.each]
    }

    #[inline(always)]
    fn of_mut(&mut self, phase: usize) -> &mut [T] {
        &mut self.all[phase * self.each..][..self.each]
    }
}

#[inline(always)]
fn add_scaled<T: Number>(sums: &mut [T; LANES], from: &[T], factor: T) {
    for (sum, from) in sums.iter_mut().zip(&from[..LANES]) {
        *sum += factor * *from;
    }
}

/// Of as many elements as LANES divides.
#[inline(always)]
fn add_products<T: Number>(all: &mut [T; LANES], a: &[T], b: &[T]) {
    // In registers meanwhile.
    let mut sums = *all;
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += *a * *b;
        }
    }
    *all = sums;
}
