//! Convolution of images by 1×1 kernels, and its gradients: matrix products.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use burn::tensor::Shape;
use edgefit_linalg::product::{Matrix, Threads, add_product, multiply, multiply_rows};
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::{Float, vec_written_by};
use super::super::sums::sum;
use super::backward::{Made, Read};
use super::before_activation::Planes;

/// Elements of a tile of an image, its result and the gradient of that: half a mebibyte of a core's cache.
const TILE: usize = 1 << 17;

/// Most groups of images whose gradients of the weight are summed apart, so that the sums do not depend on
/// the number of threads.
const GROUPS: usize = 16;

/// Images of the dimensions (samples, inputs, height, width), which become (samples, outputs, height,
/// width).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointwise {
    samples: usize,
    inputs: usize,
    outputs: usize,
    /// Of an image.
    pixels: usize,
}

/// Whether the weight is larger than an image: then the images are laid side by side for a single
/// product. In one product a sample, the weight would be packed anew for each.
pub(crate) fn is_single_product(inputs: usize, outputs: usize, pixels: usize) -> bool {
    pixels * (inputs + outputs) < inputs * outputs
}

/// Scratch of a thread in the backward pass of images that are not laid side by side, in elements, and gradients
/// of the weight that are summed apart.
pub(crate) fn pointwise_scratch(samples: usize, inputs: usize, outputs: usize) -> [usize; 2] {
    [
        outputs * columns(inputs, outputs),
        samples.min(GROUPS) * inputs * outputs,
    ]
}

/// Pixels of a tile.
fn columns(inputs: usize, outputs: usize) -> usize {
    (TILE / (inputs + 2 * outputs)).max(64)
}

impl Pointwise {
    /// Of `x` or its gradient, and the weight (outputs, inputs, 1, 1).
    pub fn new(x: &Shape, weight: &Shape) -> Self {
        let [samples, inputs, height, width] = x.dims();
        Pointwise {
            samples,
            inputs,
            outputs: weight[0],
            pixels: height * width,
        }
    }

    fn is_single(&self) -> bool {
        is_single_product(self.inputs, self.outputs, self.pixels)
    }

    fn threads(&self) -> Threads {
        if self.samples < rayon::current_num_threads() {
            Threads::All
        } else {
            Threads::One
        }
    }

    /// The tiles of an image: first pixel and length.
    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (pixels, columns) = (self.pixels, columns(self.inputs, self.outputs));
        let starts = (0..pixels).step_by(columns);
        starts.map(move |start| (start, columns.min(pixels - start)))
    }

    /// The activation of the weight times each pixel of `x`, plus the bias.
    pub fn forward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        bias: &[T],
        activation: Activation,
    ) -> Vec<T> {
        let weight = Matrix::new(weight, self.outputs, self.inputs);
        if self.is_single() {
            let mut y = self.single(weight, &self.side_by_side(x));
            let planes = y.par_chunks_exact_mut(self.pixels).enumerate();
            planes.for_each(|(at, plane)| activation.apply(plane, bias[at % self.outputs]));
            return y;
        }
        let (from, to) = (self.inputs * self.pixels, self.outputs * self.pixels);
        assert_eq!(x.len(), self.samples * from);
        let write = |y: &mut [MaybeUninit<T>]| {
            let images = y.par_chunks_exact_mut(to).zip(x.par_chunks_exact(from));
            images.for_each(|(y, x)| {
                for (start, length) in self.tiles() {
                    let x = Matrix::of_rows(&x[start..], self.inputs, length, self.pixels);
                    multiply_rows(weight, x, &mut y[start..], self.pixels, self.threads());
                    for (row, &bias) in y.chunks_exact_mut(self.pixels).zip(bias) {
                        // SAFETY: the product wrote them.
                        let row = unsafe { row[start..][..length].assume_init_mut() };
                        activation.apply(row, bias);
                    }
                }
            });
        };
        // SAFETY: there is an image for every image of the result, and a product writes all of it.
        unsafe { vec_written_by(self.samples * to, write) }
    }

    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for.
    pub fn backward<T: Float>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        if !self.is_single() {
            return self.backward_by_tiles(read, gradient, activation, asked);
        }
        let planes = Planes {
            channels: self.outputs,
            each: self.pixels,
        };
        let (gradient, of_bias) = planes.before_activation(gradient, read.kept, activation);
        let gradient = self.side_by_side(&gradient);
        let weight = Matrix::new(read.weight, self.outputs, self.inputs).transposed();
        let of_x = asked[0].then(|| self.single(weight, &gradient));
        let of_weight = asked[1].then(|| {
            let columns = self.samples * self.pixels;
            let gradient = Matrix::new(&gradient, self.outputs, columns);
            let x = self.side_by_side(read.x);
            multiplied(gradient, Matrix::new(&x, self.inputs, columns).transposed())
        });
        [of_x, of_weight, asked[2].then_some(of_bias)]
    }

    /// Image after image, in tiles that stay in a core's cache, so that what is large is read and written once.
    fn backward_by_tiles<T: Float>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        let (inputs, outputs, pixels) = (self.inputs, self.outputs, self.pixels);
        let weight = Matrix::new(read.weight, outputs, inputs).transposed();
        let images = self.samples.div_ceil(GROUPS);
        let groups = self.samples.div_ceil(images);
        let size = if asked[1] { outputs * inputs } else { 0 };
        let mut sums = vec![T::default(); groups * (size + outputs)];
        let threads = self.threads();
        let group = |of_x: &mut [MaybeUninit<T>], index: usize, sums: &mut [T]| {
            let (of_weight, of_bias) = sums.split_at_mut(size);
            let mut scratch = Vec::with_capacity(outputs * columns(inputs, outputs));
            let first = index * images;
            for image in first..self.samples.min(first + images) {
                let x = &read.x[image * inputs * pixels..];
                for (start, length) in self.tiles() {
                    let rows = |channel: usize| (image * outputs + channel) * pixels + start;
                    let gradient = if activation == Activation::Identity {
                        for (channel, of_bias) in of_bias.iter_mut().enumerate() {
                            *of_bias += sum(&gradient[rows(channel)..][..length]);
                        }
                        let gradient = &gradient[image * outputs * pixels + start..];
                        Matrix::of_rows(gradient, outputs, length, pixels)
                    } else {
                        scratch.clear();
                        let to = &mut scratch.spare_capacity_mut()[..outputs * length];
                        let to = to.chunks_exact_mut(length).zip(of_bias.iter_mut());
                        for (channel, (to, of_bias)) in to.enumerate() {
                            let (from, kept) =
                                (&gradient[rows(channel)..], &read.kept[rows(channel)..]);
                            *of_bias += activation.pull_back(&from[..length], &kept[..length], to);
                        }
                        // SAFETY: all rows of the tile were written.
                        unsafe { scratch.set_len(outputs * length) };
                        Matrix::new(&scratch, outputs, length)
                    };
                    if asked[0] {
                        let of_x = &mut of_x[(image - first) * inputs * pixels + start..];
                        multiply_rows(weight, gradient, of_x, pixels, threads);
                    }
                    if asked[1] {
                        let x = Matrix::of_rows(&x[start..], inputs, length, pixels);
                        add_product(gradient, x.transposed(), of_weight, threads);
                    }
                }
            }
        };
        let of_x = if asked[0] {
            let write = |of_x: &mut [MaybeUninit<T>]| {
                let groups = of_x.par_chunks_mut(images * inputs * pixels).enumerate();
                groups
                    .zip(sums.par_chunks_exact_mut(size + outputs))
                    .for_each(|((index, of_x), sums)| group(of_x, index, sums));
            };
            // SAFETY: the tiles of a group cover its images, and a product writes all of a tile.
            Some(unsafe { vec_written_by(self.samples * inputs * pixels, write) })
        } else {
            let groups = sums.par_chunks_exact_mut(size + outputs).enumerate();
            groups.for_each(|(index, sums)| group(&mut [], index, sums));
            None
        };
        let mut groups = sums.chunks_exact(size + outputs);
        let mut all = groups.next().map_or(Vec::new(), <[T]>::to_vec);
        for group in groups {
            all.iter_mut()
                .zip(group)
                .for_each(|(all, sum)| *all += *sum);
        }
        let of_bias = all.split_off(size);
        [of_x, asked[1].then_some(all), asked[2].then_some(of_bias)]
    }

    /// `weight` times images that lie side by side, as images one after the other.
    fn single<T: Float>(&self, weight: Matrix<T>, x: &[T]) -> Vec<T> {
        let columns = self.samples * self.pixels;
        let y = multiplied(weight, Matrix::new(x, weight.columns(), columns));
        match self.samples {
            1 => y,
            _ => swapped(&y, [weight.rows(), self.samples, self.pixels]),
        }
    }

    /// (channels, samples · pixels) of images one after the other.
    fn side_by_side<'x, T: Float>(&self, x: &'x [T]) -> Cow<'x, [T]> {
        let channels = x.len() / (self.samples * self.pixels);
        match self.samples {
            1 => x.into(),
            _ => swapped(x, [self.samples, channels, self.pixels]).into(),
        }
    }
}

fn multiplied<T: Float>(a: Matrix<T>, b: Matrix<T>) -> Vec<T> {
    // SAFETY: a product writes all of it.
    unsafe { vec_written_by(a.rows() * b.columns(), |y| multiply(a, b, y, Threads::All)) }
}

/// (inner, outer, length) of (outer, inner, length).
fn swapped<T: Float>(x: &[T], [outer, inner, length]: [usize; 3]) -> Vec<T> {
    assert_eq!(x.len(), outer * inner * length);
    let write = |swapped: &mut [MaybeUninit<T>]| {
        let blocks = swapped.par_chunks_exact_mut(outer * length).enumerate();
        blocks.for_each(|(index, to)| {
            let from = x[index * length..].chunks(inner * length);
            for (to, from) in to.chunks_exact_mut(length).zip(from) {
                to.write_copy_of_slice(&from[..length]);
            }
        });
    };
    // SAFETY: there are `inner` blocks of `outer` pieces each, and as many pieces in `x`.
    unsafe { vec_written_by(x.len(), write) }
}
