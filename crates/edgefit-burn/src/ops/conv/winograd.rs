//! Convolution by 3×3 kernels at stride 1 with 36 multiplications for 16 positions, or 16 for 4, instead of 9 for each,
//! and its gradients: F(4×4, 3×3) and F(2×2, 3×3) of Lavin & Gray 2015, arXiv 1509.09308.
//!
//! Tiles that overlap by two elements are transformed; then each place in a tile is a matrix product over the
//! channels. The gradients are those of the transforms and of the products.

mod form;
mod kernel;
mod plan;
mod tile;

use std::marker::PhantomData;

use edgefit_linalg::product::{Matrix, Threads, add_product, overwrite};
use pulp::Arch;
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::Float;
use super::axis::Axis;
use super::backward::{Made, Read};
use super::before_activation::Planes;
use form::{Form, Four, Two};
use kernel::{from_kernels, kernel_gradient};
pub(crate) use plan::Purpose;
use plan::{Block, Plan, pitch};
use tile::{Direction, FromTiles, ToTiles};

/// A convolution by 3×3 kernels that read all channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Winograd {
    plan: Plan,
}

impl Winograd {
    /// The convolution of images (samples, inputs, height, width) by a weight (outputs, inputs, height, width), if
    /// it is one of these and pays.
    pub fn of(x: &[usize], weight: &[usize], axes: [Axis; 2], purpose: Purpose) -> Option<Self> {
        Plan::of(x, weight, axes, purpose).map(|plan| Winograd { plan })
    }

    /// Elements of scratch of the forward and of the backward pass on so many threads.
    pub fn scratch(&self, threads: usize) -> [u64; 2] {
        self.plan.scratch(threads)
    }

    /// Lays out the tiles of all planes of a block as (places, channels, tiles).
    fn lay_out_tiles<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        planes: &[T],
        (direction, channels): (Direction, usize),
        block: &Block,
        to: &mut [T],
    ) {
        let grid = self.plan.of_block(direction, block);
        let plane = grid.size[0] * grid.size[1];
        let each = self.plan.tiles_of(block);
        let places = to.chunks_exact_mut(pitch(channels * each));
        let places = places.flat_map(|place| place[..channels * each].chunks_exact_mut(each));
        let places = by_channel(places, channels);
        let arch = Arch::new();
        places
            .into_par_iter()
            .enumerate()
            .for_each(|(channel, mut places)| {
                let images = block.images.clone();
                let planes: Vec<&[T]> = images
                    .map(|image| &planes[(image * channels + channel) * plane..][..plane])
                    .collect();
                arch.dispatch(ToTiles::<T, F, N, M> {
                    grid: &grid,
                    planes: &planes,
                    places: &mut places,
                    form: PhantomData,
                });
            });
    }

    /// Adds what the tiles (places, channels, tiles) of a block are to the planes.
    fn add_tiles<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        tiles: &[T],
        (direction, channels): (Direction, usize),
        block: &Block,
        planes: &mut [T],
    ) {
        let grid = self.plan.of_block(direction, block);
        let plane = grid.size[0] * grid.size[1];
        let of_block = block.images.start * channels * plane..block.images.end * channels * plane;
        let planes = by_channel(planes[of_block].chunks_exact_mut(plane), channels);
        let each = self.plan.tiles_of(block);
        let arch = Arch::new();
        planes
            .into_par_iter()
            .enumerate()
            .for_each(|(channel, mut planes)| {
                let places = tiles.chunks_exact(pitch(channels * each));
                let places = places.map(|place| &place[channel * each..][..each]);
                arch.dispatch(FromTiles::<T, F, N, M> {
                    grid: &grid,
                    places: &places.collect::<Vec<_>>(),
                    planes: &mut planes,
                    form: PhantomData,
                });
            });
    }

    /// The activation of the convolution plus the bias.
    pub fn forward<T: Float>(&self, operands: [&[T]; 3], activation: Activation) -> Vec<T> {
        match self.plan.step {
            2 => self.forward_by::<T, Two, 4, 2>(operands, activation),
            _ => self.forward_by::<T, Four, 6, 4>(operands, activation),
        }
    }

    fn forward_by<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        [x, weight, bias]: [&[T]; 3],
        activation: Activation,
    ) -> Vec<T> {
        let kernels = from_kernels::<T, F, N, M>(weight);
        let [height, width] = self.plan.axes.map(|axis| axis.extent.output);
        let mut y = vec![T::default(); self.plan.samples * self.plan.outputs * height * width];
        let plan = self.plan.of_group();
        let [from, to] = [x.len(), y.len()].map(|all| all / self.plan.samples);
        let groups = y.par_chunks_mut(plan.samples * to);
        let groups = groups.zip(x.par_chunks(plan.samples * from));
        groups.for_each_init(
            || Tiles::new(&plan),
            |tiles, (y, x)| {
                let of = Winograd { plan };
                of.write_sums::<T, F, N, M>(x.len() / from, [x, &kernels], tiles, y);
                let planes = y.par_chunks_exact_mut(height * width).enumerate();
                planes
                    .for_each(|(at, plane)| activation.apply(plane, bias[at % self.plan.outputs]));
            },
        );
        y
    }

    /// Adds the convolution of `x`, the images of a group or those that are left, by transformed kernels to `y`.
    fn write_sums<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        samples: usize,
        [x, kernels]: [&[T]; 2],
        tiles: &mut Tiles<T>,
        y: &mut [T],
    ) {
        for block in self.plan.blocks(samples) {
            let count = self.plan.tiles_of(&block);
            let (of_x, of_y) = tiles.of(&self.plan, count);
            let input = (Direction::Input, self.plan.inputs);
            self.lay_out_tiles::<T, F, N, M>(x, input, &block, of_x);
            let places = of_y.par_chunks_exact_mut(pitch(self.plan.outputs * count));
            let places = places.zip(of_x.par_chunks_exact(pitch(self.plan.inputs * count)));
            let places =
                places.zip(kernels.par_chunks_exact(pitch(self.plan.outputs * self.plan.inputs)));
            places.for_each(|((of_y, of_x), kernel)| {
                let of_y = &mut of_y[..self.plan.outputs * count];
                let kernel = Matrix::new(kernel, self.plan.outputs, self.plan.inputs);
                let of_x = Matrix::new(of_x, self.plan.inputs, count);
                overwrite(kernel, of_x, of_y, Threads::One);
            });
            let result = (Direction::Result, self.plan.outputs);
            self.add_tiles::<T, F, N, M>(of_y, result, &block, y);
        }
    }

    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for.
    pub fn backward<T: Float>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        match self.plan.step {
            2 => self.backward_by::<T, Two, 4, 2>(read, gradient, activation, asked),
            _ => self.backward_by::<T, Four, 6, 4>(read, gradient, activation, asked),
        }
    }

    fn backward_by<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        let [height, width] = self.plan.axes.map(|axis| axis.extent.output);
        let planes = Planes {
            channels: self.plan.outputs,
            each: height * width,
        };
        let (gradient, of_bias) = planes.before_activation(gradient, read.kept, activation);
        let size = N * N * pitch(self.plan.outputs * self.plan.inputs);
        let kernels = if asked[0] {
            from_kernels::<T, F, N, M>(read.weight)
        } else {
            Vec::new()
        };
        let plan = self.plan.of_group();
        let [from, to] = [read.x.len(), gradient.len()].map(|all| all / self.plan.samples);
        let mut of_x = vec![T::default(); if asked[0] { read.x.len() } else { 0 }];
        let mut sums = vec![
            T::default();
            if asked[1] {
                self.plan.groups() * size
            } else {
                0
            }
        ];
        // Of each group; nothing where they are not asked for.
        let mut inputs = of_x.chunks_mut(plan.samples * from);
        let mut kernel_sums = sums.chunks_exact_mut(size);
        let parts: Vec<[&mut [T]; 2]> = (0..self.plan.groups())
            .map(|_| [inputs.next(), kernel_sums.next()].map(Option::unwrap_or_default))
            .collect();
        let groups = gradient.par_chunks(plan.samples * to);
        let groups = groups.zip(read.x.par_chunks(plan.samples * from));
        groups.zip(parts).for_each_init(
            || Tiles::new(&plan),
            |tiles, ((gradient, x), parts)| {
                let of = Winograd { plan };
                of.add_gradients::<T, F, N, M>(
                    x.len() / from,
                    [x, gradient, &kernels],
                    tiles,
                    parts,
                );
            },
        );
        let of_weight = asked[1].then(|| {
            let (first, others) = sums.split_at_mut(size);
            for group in others.chunks_exact(size) {
                let sums = first.par_iter_mut().with_min_len(1 << 14);
                sums.zip(group).for_each(|(sum, more)| *sum += *more);
            }
            kernel_gradient::<T, F, N, M>(first)
        });
        [
            asked[0].then_some(of_x),
            of_weight,
            asked[2].then_some(of_bias),
        ]
    }

    /// Adds to the gradients of the input and of the transformed kernels, unless there is no room for them.
    fn add_gradients<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        samples: usize,
        [x, gradient, kernels]: [&[T]; 3],
        tiles: &mut Tiles<T>,
        [of_x, of_kernels]: [&mut [T]; 2],
    ) {
        let size = self.plan.outputs * self.plan.inputs;
        for block in self.plan.blocks(samples) {
            let count = self.plan.tiles_of(&block);
            let (of_input, of_result) = tiles.of(&self.plan, count);
            let input = (Direction::Input, self.plan.inputs);
            let result = (Direction::Result, self.plan.outputs);
            self.lay_out_tiles::<T, F, N, M>(gradient, result, &block, of_result);
            if !of_kernels.is_empty() {
                self.lay_out_tiles::<T, F, N, M>(x, input, &block, of_input);
                let places = of_kernels.par_chunks_exact_mut(pitch(size));
                let places =
                    places.zip(of_result.par_chunks_exact(pitch(self.plan.outputs * count)));
                let places = places.zip(of_input.par_chunks_exact(pitch(self.plan.inputs * count)));
                places.for_each(|((sums, of_result), of_input)| {
                    let sums = &mut sums[..size];
                    let of_result = Matrix::new(of_result, self.plan.outputs, count);
                    let of_input = Matrix::new(of_input, self.plan.inputs, count).transposed();
                    add_product(of_result, of_input, sums, Threads::One);
                });
            }
            if !of_x.is_empty() {
                let places = of_input.par_chunks_exact_mut(pitch(self.plan.inputs * count));
                let places =
                    places.zip(of_result.par_chunks_exact(pitch(self.plan.outputs * count)));
                let places = places.zip(kernels.par_chunks_exact(pitch(size)));
                places.for_each(|((of_input, of_result), kernel)| {
                    let of_input = &mut of_input[..self.plan.inputs * count];
                    let kernel =
                        Matrix::new(kernel, self.plan.outputs, self.plan.inputs).transposed();
                    let of_result = Matrix::new(of_result, self.plan.outputs, count);
                    overwrite(kernel, of_result, of_input, Threads::One);
                });
                self.add_tiles::<T, F, N, M>(of_input, input, &block, of_x);
            }
        }
    }
}

/// Transformed tiles of input and result, of the largest block.
struct Tiles<T>(Vec<T>);

impl<T: Float> Tiles<T> {
    fn new(of: &Plan) -> Self {
        Tiles(vec![T::default(); of.scratch_of_tiles()])
    }

    fn of(&mut self, of: &Plan, count: usize) -> (&mut [T], &mut [T]) {
        let [inputs, outputs] =
            [of.inputs, of.outputs].map(|channels| of.places() * pitch(channels * count));
        self.0[..inputs + outputs].split_at_mut(inputs)
    }
}

/// Of each channel its parts, which come channel by channel, again and again.
fn by_channel<'a, T>(
    parts: impl Iterator<Item = &'a mut [T]>,
    channels: usize,
) -> Vec<Vec<&'a mut [T]>> {
    let mut of: Vec<Vec<&mut [T]>> = Vec::new();
    of.resize_with(channels, Vec::new);
    for (at, part) in parts.enumerate() {
        of[at % channels].push(part);
    }
    of
}
