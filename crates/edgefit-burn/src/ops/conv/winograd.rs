//! Convolution by 3×3 kernels at stride 1 with 36 multiplications for 16 positions, or 16 for 4, instead of 9 for each,
//! and its gradients: F(4×4, 3×3) and F(2×2, 3×3) of Lavin & Gray 2015, arXiv 1509.09308.
//!
//! Tiles that overlap by two elements are transformed; then each place in a tile is a matrix product over the
//! channels. The gradients are those of the transforms and of the products.

mod form;
mod kernel;
mod tile;

use std::marker::PhantomData;
use std::ops::Range;

use edgefit_linalg::product::{Matrix, Threads, add_product, overwrite};
use pulp::Arch;
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::Float;
use super::before_activation::Planes;
use super::depthwise::Axis;
use super::kernels::{Made, Read};
use form::{Form, Four, Two};
use kernel::{from_kernels, kernel_gradient};
use tile::{Direction, FromTiles, Grid, ToTiles};

/// Elements of the transformed tiles of a block, of input and result, as long as the weight is not larger: a mebibyte of
/// a core's cache.
const BLOCK: usize = 1 << 18;

/// Most groups of images whose gradients of the weight are summed apart, so that the sums do not depend on the
/// number of threads.
const GROUPS: usize = 16;

/// Fewest channels in and out, and positions of a batch, with which the products outweigh the transforms.
const CHANNELS: usize = 16;
const POSITIONS: usize = 256;

/// Tiles that cost as much as the transforms of the weight. Of 8, 40 and 100 a step of ResNet18 was the fastest with 100 on one
/// thread, as fast as with 40 on two, and the smallest.
const OF_WEIGHT: usize = 100;

/// Elements between places of a tile, beside those of a place: the same element of two places does not lie in the same
/// set of a processor's cache, whatever the number of channels.
const GAP: usize = 16;

/// What a convolution is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its result alone, as exact as may be.
    Inference,
    /// Gradients.
    Training,
}

/// A convolution by 3×3 kernels that read all channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Winograd {
    samples: usize,
    inputs: usize,
    outputs: usize,
    axes: [Axis; 2],
    /// Edge of the part of the result that a tile makes: 2 or 4.
    step: usize,
}

/// Neighbouring rows of tiles of one image, or all tiles of some images.
struct Block {
    images: Range<usize>,
    rows: Range<usize>,
}

impl Winograd {
    /// The convolution of images (samples, inputs, height, width) by a weight (outputs, inputs, height, width), if
    /// it is one of these and pays.
    pub fn of(x: &[usize], weight: &[usize], axes: [Axis; 2], purpose: Purpose) -> Option<Self> {
        let fits = |axis: &Axis| {
            let extent = axis.extent;
            (extent.kernel, extent.stride, extent.dilation) == (3, 1, 1) && extent.before <= 2
        };
        let positions: usize = axes.iter().map(|axis| axis.extent.output).product();
        let pays = x[1].min(weight[0]) >= CHANNELS && x[0] * positions >= POSITIONS;
        let by = |step| Winograd {
            samples: x[0],
            inputs: x[1],
            outputs: weight[0],
            axes,
            step,
        };
        let (two, four) = (by(2), by(4));
        let is_larger = purpose == Purpose::Training && four.work() < two.work();
        (axes.iter().all(fits) && pays).then_some(if is_larger { four } else { two })
    }

    /// Places in a tile.
    fn places(&self) -> usize {
        (self.step + 2) * (self.step + 2)
    }

    /// What a pass costs, in products of all channels: of each tile, and of the transforms of the weight.
    fn work(&self) -> usize {
        self.places() * (self.samples * self.tiles() + OF_WEIGHT)
    }

    /// Elements of scratch of the forward and of the backward pass on so many threads.
    pub fn scratch(&self, threads: usize) -> [u64; 2] {
        let weight = (self.places() * pitch(self.inputs * self.outputs)) as u64;
        let (of_group, groups) = (self.of_group(), self.groups());
        let tiles = of_group.scratch_of_tiles() as u64 * threads.min(groups) as u64;
        [weight + tiles, (1 + groups as u64) * weight + tiles]
    }

    /// Elements of the transformed tiles of input and result, of the largest block.
    fn scratch_of_tiles(&self) -> usize {
        let most = self.blocks().map(|block| self.tiles_of(&block)).max();
        let of = |channels: usize| pitch(channels * most.unwrap_or(0));
        self.places() * (of(self.inputs) + of(self.outputs))
    }

    /// Of the images of one group. A group is computed by one thread, unless others have nothing to do.
    fn of_group(&self) -> Self {
        let most = self.most() / self.tiles();
        let samples = most
            .max(self.samples.div_ceil(GROUPS))
            .clamp(1, self.samples);
        Winograd {
            samples: self.samples.div_ceil(self.samples.div_ceil(samples)),
            ..*self
        }
    }

    fn groups(&self) -> usize {
        self.samples.div_ceil(self.of_group().samples)
    }

    /// Most tiles of a block. The weight is packed anew for each, so that a large one wants large blocks.
    fn most(&self) -> usize {
        let most = BLOCK / (self.places() * (self.inputs + self.outputs));
        most.max(self.outputs / 2)
    }

    /// Rows and columns of tiles.
    fn grid(&self) -> [usize; 2] {
        self.axes.map(|axis| axis.extent.output.div_ceil(self.step))
    }

    /// Tiles of an image.
    fn tiles(&self) -> usize {
        self.grid().iter().product()
    }

    fn tiles_of(&self, block: &Block) -> usize {
        block.images.len() * block.rows.len() * self.grid()[1]
    }

    /// Blocks of about as many tiles.
    fn blocks(&self) -> impl Iterator<Item = Block> + use<> {
        let [rows, columns] = self.grid();
        let most = self.most();
        let images = (most / (rows * columns)).clamp(1, self.samples);
        let images = self.samples.div_ceil(self.samples.div_ceil(images));
        let each = rows.div_ceil(rows.div_ceil((most / columns).max(1)));
        let each = if images > 1 { rows } else { each };
        let samples = self.samples;
        (0..samples).step_by(images).flat_map(move |image| {
            (0..rows).step_by(each).map(move |row| Block {
                images: image..samples.min(image + images),
                rows: row..rows.min(row + each),
            })
        })
    }

    /// The tiles of a block in planes of the input, or of the result.
    fn of_block(&self, direction: Direction, block: &Block) -> Grid {
        let [height, width] = match direction {
            Direction::Input => self.axes.map(|axis| axis.input),
            Direction::Result => self.axes.map(|axis| axis.extent.output),
        };
        let before = match direction {
            Direction::Input => self.axes.map(|axis| axis.extent.before),
            Direction::Result => [0, 0],
        };
        Grid {
            direction,
            size: [height, width],
            before,
            rows: block.rows.clone(),
            columns: self.grid()[1],
        }
    }

    /// Lays out the tiles of all planes of a block as (places, channels, tiles).
    fn lay_out_tiles<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        planes: &[T],
        (direction, channels): (Direction, usize),
        block: &Block,
        to: &mut [T],
    ) {
        let grid = self.of_block(direction, block);
        let plane = grid.size[0] * grid.size[1];
        let each = self.tiles_of(block);
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
        let grid = self.of_block(direction, block);
        let plane = grid.size[0] * grid.size[1];
        let of_block = block.images.start * channels * plane..block.images.end * channels * plane;
        let planes = by_channel(planes[of_block].chunks_exact_mut(plane), channels);
        let each = self.tiles_of(block);
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
        match self.step {
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
        let [height, width] = self.axes.map(|axis| axis.extent.output);
        let mut y = vec![T::default(); self.samples * self.outputs * height * width];
        let of = self.of_group();
        let [from, to] = [x.len(), y.len()].map(|all| all / self.samples);
        let groups = y.par_chunks_mut(of.samples * to);
        let groups = groups.zip(x.par_chunks(of.samples * from));
        groups.for_each_init(
            || Tiles::new(&of),
            |tiles, (y, x)| {
                let samples = x.len() / from;
                let of = Winograd { samples, ..of };
                of.write_sums::<T, F, N, M>([x, &kernels], tiles, y);
                let planes = y.par_chunks_exact_mut(height * width).enumerate();
                planes.for_each(|(at, plane)| activation.apply(plane, bias[at % self.outputs]));
            },
        );
        y
    }

    /// Adds the convolution of `x` by transformed kernels to `y`.
    fn write_sums<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
        &self,
        [x, kernels]: [&[T]; 2],
        tiles: &mut Tiles<T>,
        y: &mut [T],
    ) {
        for block in self.blocks() {
            let count = self.tiles_of(&block);
            let (of_x, of_y) = tiles.of(self, count);
            let input = (Direction::Input, self.inputs);
            self.lay_out_tiles::<T, F, N, M>(x, input, &block, of_x);
            let places = of_y.par_chunks_exact_mut(pitch(self.outputs * count));
            let places = places.zip(of_x.par_chunks_exact(pitch(self.inputs * count)));
            let places = places.zip(kernels.par_chunks_exact(pitch(self.outputs * self.inputs)));
            places.for_each(|((of_y, of_x), kernel)| {
                let of_y = &mut of_y[..self.outputs * count];
                let kernel = Matrix::new(kernel, self.outputs, self.inputs);
                let of_x = Matrix::new(of_x, self.inputs, count);
                overwrite(kernel, of_x, of_y, Threads::One);
            });
            let result = (Direction::Result, self.outputs);
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
        match self.step {
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
        let [height, width] = self.axes.map(|axis| axis.extent.output);
        let planes = Planes {
            channels: self.outputs,
            each: height * width,
        };
        let (gradient, of_bias) = planes.before_activation(gradient, read.kept, activation);
        let size = N * N * pitch(self.outputs * self.inputs);
        let kernels = if asked[0] {
            from_kernels::<T, F, N, M>(read.weight)
        } else {
            Vec::new()
        };
        let of = self.of_group();
        let [from, to] = [read.x.len(), gradient.len()].map(|all| all / self.samples);
        let mut of_x = vec![T::default(); if asked[0] { read.x.len() } else { 0 }];
        let mut sums = vec![T::default(); if asked[1] { self.groups() * size } else { 0 }];
        // Of each group; nothing where they are not asked for.
        let mut inputs = of_x.chunks_mut(of.samples * from);
        let mut kernel_sums = sums.chunks_exact_mut(size);
        let parts: Vec<[&mut [T]; 2]> = (0..self.groups())
            .map(|_| [inputs.next(), kernel_sums.next()].map(Option::unwrap_or_default))
            .collect();
        let groups = gradient.par_chunks(of.samples * to);
        let groups = groups.zip(read.x.par_chunks(of.samples * from));
        groups.zip(parts).for_each_init(
            || Tiles::new(&of),
            |tiles, ((gradient, x), parts)| {
                let samples = x.len() / from;
                let of = Winograd { samples, ..of };
                of.add_gradients::<T, F, N, M>([x, gradient, &kernels], tiles, parts);
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
        [x, gradient, kernels]: [&[T]; 3],
        tiles: &mut Tiles<T>,
        [of_x, of_kernels]: [&mut [T]; 2],
    ) {
        let size = self.outputs * self.inputs;
        for block in self.blocks() {
            let count = self.tiles_of(&block);
            let (of_input, of_result) = tiles.of(self, count);
            let input = (Direction::Input, self.inputs);
            let result = (Direction::Result, self.outputs);
            self.lay_out_tiles::<T, F, N, M>(gradient, result, &block, of_result);
            if !of_kernels.is_empty() {
                self.lay_out_tiles::<T, F, N, M>(x, input, &block, of_input);
                let places = of_kernels.par_chunks_exact_mut(pitch(size));
                let places = places.zip(of_result.par_chunks_exact(pitch(self.outputs * count)));
                let places = places.zip(of_input.par_chunks_exact(pitch(self.inputs * count)));
                places.for_each(|((sums, of_result), of_input)| {
                    let sums = &mut sums[..size];
                    let of_result = Matrix::new(of_result, self.outputs, count);
                    let of_input = Matrix::new(of_input, self.inputs, count).transposed();
                    add_product(of_result, of_input, sums, Threads::One);
                });
            }
            if !of_x.is_empty() {
                let places = of_input.par_chunks_exact_mut(pitch(self.inputs * count));
                let places = places.zip(of_result.par_chunks_exact(pitch(self.outputs * count)));
                let places = places.zip(kernels.par_chunks_exact(pitch(size)));
                places.for_each(|((of_input, of_result), kernel)| {
                    let of_input = &mut of_input[..self.inputs * count];
                    let kernel = Matrix::new(kernel, self.outputs, self.inputs).transposed();
                    let of_result = Matrix::new(of_result, self.outputs, count);
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
    fn new(of: &Winograd) -> Self {
        Tiles(vec![T::default(); of.scratch_of_tiles()])
    }

    fn of(&mut self, of: &Winograd, count: usize) -> (&mut [T], &mut [T]) {
        let [inputs, outputs] =
            [of.inputs, of.outputs].map(|channels| of.places() * pitch(channels * count));
        self.0[..inputs + outputs].split_at_mut(inputs)
    }
}

/// Elements from one place of a tile to the next.
fn pitch(elements: usize) -> usize {
    elements + GAP
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
