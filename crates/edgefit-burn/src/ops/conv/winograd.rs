//! Convolution by 3×3 kernels at stride 1 with 16 multiplications for 4 positions instead of 36, and its gradients:
//! F(2×2, 3×3) of Lavin & Gray 2015, arXiv 1509.09308.
//!
//! Tiles of 4×4 elements that overlap by two are transformed; then each of the 16 places in a tile is a matrix
//! product over the channels. The gradients are those of the transforms and of the products.

mod kernel;
mod transform;

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::Float;
use super::super::matrix_product::{Matrix, Threads, add_product, overwrite};
use super::before_activation::Planes;
use super::depthwise::Axis;
use super::kernels::{Made, Read};
use kernel::{from_kernels, kernel_gradient};
use transform::{Direction, Lines, PlaneTransform};

/// Places in a tile.
const PLACES: usize = 16;

/// Elements of the transformed tiles of a block, of input and result, as long as the weight is not larger: a mebibyte of
/// a core's cache.
const BLOCK: usize = 1 << 18;

/// Most groups of images whose gradients of the weight are summed apart, so that the sums do not depend on the
/// number of threads.
const GROUPS: usize = 16;

/// Fewest channels in and out, and tiles of a batch, with which the products outweigh the transforms.
const CHANNELS: usize = 16;
const TILES: usize = 64;

/// A convolution by 3×3 kernels that read all channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Winograd {
    samples: usize,
    inputs: usize,
    outputs: usize,
    axes: [Axis; 2],
}

/// Neighbouring rows of tiles of one image, or all tiles of some images.
struct Block {
    images: Range<usize>,
    rows: Range<usize>,
}

impl Winograd {
    /// The convolution of images (samples, inputs, height, width) by a weight (outputs, inputs, height, width), if
    /// it is one of these and pays.
    pub fn of(x: &[usize], weight: &[usize], axes: [Axis; 2]) -> Option<Self> {
        let of = Winograd {
            samples: x[0],
            inputs: x[1],
            outputs: weight[0],
            axes,
        };
        let fits = |axis: &Axis| {
            let extent = axis.extent;
            (extent.kernel, extent.stride, extent.dilation) == (3, 1, 1) && extent.before <= 2
        };
        let pays = of.inputs.min(of.outputs) >= CHANNELS && of.samples * of.tiles() >= TILES;
        (axes.iter().all(fits) && pays).then_some(of)
    }

    /// Elements of scratch of the forward and of the backward pass on so many threads.
    pub fn scratch(&self, threads: usize) -> [u64; 2] {
        let weight = (PLACES * self.inputs * self.outputs) as u64;
        let (of_group, groups) = (self.of_group(), self.groups());
        let tiles = of_group.blocks().map(|block| self.tiles_of(&block)).max();
        let tiles = (PLACES * (self.inputs + self.outputs) * tiles.unwrap_or(0)) as u64;
        let tiles = tiles * threads.min(groups) as u64;
        [weight + tiles, (1 + groups as u64) * weight + tiles]
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
        let most = BLOCK / (PLACES * (self.inputs + self.outputs));
        most.max(self.outputs / 2)
    }

    /// Rows and columns of tiles.
    fn grid(&self) -> [usize; 2] {
        self.axes.map(|axis| axis.extent.output.div_ceil(2))
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

    /// Planes of the input, or of the result.
    fn lines(&self, direction: Direction, block: &Block) -> Lines {
        let [height, width] = match direction {
            Direction::Input => self.axes.map(|axis| axis.input),
            Direction::Result => self.axes.map(|axis| axis.extent.output),
        };
        let before = match direction {
            Direction::Input => self.axes.map(|axis| axis.extent.before),
            Direction::Result => [0, 0],
        };
        Lines {
            direction,
            size: [height, width],
            before,
            rows: block.rows.clone(),
            columns: self.grid()[1],
        }
    }

    /// Lays out the tiles of all planes of a block as (places, channels, tiles).
    fn transform<T: Float>(
        &self,
        planes: &[T],
        (direction, channels): (Direction, usize),
        block: &Block,
        to: &mut [T],
    ) {
        let lines = self.lines(direction, block);
        let plane = lines.size[0] * lines.size[1];
        let (each, all) = (block.rows.len() * lines.columns, self.tiles_of(block));
        let arch = Arch::new();
        let mut by_channel: Vec<Vec<&mut [T]>> = Vec::new();
        by_channel.resize_with(channels, || Vec::with_capacity(PLACES));
        for (at, tiles) in to.chunks_exact_mut(all).enumerate() {
            by_channel[at % channels].push(tiles);
        }
        let channels_of = by_channel.into_par_iter().enumerate();
        channels_of.for_each_init(
            || lines.scratch(),
            |scratch, (channel, mut places)| {
                for (index, image) in block.images.clone().enumerate() {
                    let start = (image * channels + channel) * plane;
                    arch.dispatch(PlaneTransform {
                        lines: &lines,
                        plane: &planes[start..][..plane],
                        scratch,
                        tiles: &mut places,
                        first: index * each,
                    });
                }
            },
        );
    }

    /// The activation of the convolution plus the bias.
    pub fn forward<T: Float>(
        &self,
        [x, weight, bias]: [&[T]; 3],
        activation: Activation,
    ) -> Vec<T> {
        let kernels = from_kernels(weight);
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
                Winograd { samples, ..of }.write_sums([x, &kernels], tiles, y);
                let planes = y.par_chunks_exact_mut(height * width).enumerate();
                planes.for_each(|(at, plane)| activation.apply(plane, bias[at % self.outputs]));
            },
        );
        y
    }

    /// Adds the convolution of `x` by transformed kernels to `y`.
    fn write_sums<T: Float>(&self, [x, kernels]: [&[T]; 2], tiles: &mut Tiles<T>, y: &mut [T]) {
        for block in self.blocks() {
            let count = self.tiles_of(&block);
            let (of_x, of_y) = tiles.of(self, count);
            self.transform(x, (Direction::Input, self.inputs), &block, of_x);
            let places = of_y.par_chunks_exact_mut(self.outputs * count);
            let places = places.zip(of_x.par_chunks_exact(self.inputs * count));
            let places = places.zip(kernels.par_chunks_exact(self.outputs * self.inputs));
            places.for_each(|((of_y, of_x), kernel)| {
                let kernel = Matrix::new(kernel, self.outputs, self.inputs);
                let of_x = Matrix::new(of_x, self.inputs, count);
                overwrite(kernel, of_x, of_y, Threads::One);
            });
            let lines = self.lines(Direction::Result, &block);
            self.gather(of_y, &lines, &block, y);
        }
    }

    /// Adds what the tiles (places, channels, tiles) of a block are in the planes.
    fn gather<T: Float>(&self, tiles: &[T], lines: &Lines, block: &Block, planes: &mut [T]) {
        let plane = lines.size[0] * lines.size[1];
        let (each, all) = (block.rows.len() * lines.columns, self.tiles_of(block));
        let channels = tiles.len() / (PLACES * all);
        let arch = Arch::new();
        let of_block = block.images.start * channels * plane..block.images.end * channels * plane;
        let planes = planes[of_block].par_chunks_exact_mut(plane).enumerate();
        planes.for_each_init(
            || lines.scratch(),
            |scratch, (at, plane)| {
                let (image, channel) = (at / channels, at % channels);
                let places: [&[T]; PLACES] = std::array::from_fn(|place| {
                    &tiles[(place * channels + channel) * all + image * each..][..each]
                });
                arch.dispatch(transform::Gather {
                    lines,
                    tiles: places,
                    scratch,
                    plane,
                });
            },
        );
    }

    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for.
    pub fn backward<T: Float>(
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
        let size = PLACES * self.outputs * self.inputs;
        let kernels = if asked[0] {
            from_kernels(read.weight)
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
                of.add_gradients([x, gradient, &kernels], tiles, parts);
            },
        );
        let of_weight = asked[1].then(|| {
            let (first, others) = sums.split_at_mut(size);
            for group in others.chunks_exact(size) {
                let sums = first.par_iter_mut().with_min_len(1 << 14);
                sums.zip(group).for_each(|(sum, more)| *sum += *more);
            }
            kernel_gradient(first)
        });
        [
            asked[0].then_some(of_x),
            of_weight,
            asked[2].then_some(of_bias),
        ]
    }

    /// Adds to the gradients of the input and of the transformed kernels, unless there is no room for them.
    fn add_gradients<T: Float>(
        &self,
        [x, gradient, kernels]: [&[T]; 3],
        tiles: &mut Tiles<T>,
        [of_x, of_kernels]: [&mut [T]; 2],
    ) {
        let size = self.outputs * self.inputs;
        for block in self.blocks() {
            let count = self.tiles_of(&block);
            let (of_input, of_result) = tiles.of(self, count);
            let result = (Direction::Result, self.outputs);
            self.transform(gradient, result, &block, of_result);
            if !of_kernels.is_empty() {
                self.transform(x, (Direction::Input, self.inputs), &block, of_input);
                let places = of_kernels.par_chunks_exact_mut(size);
                let places = places.zip(of_result.par_chunks_exact(self.outputs * count));
                let places = places.zip(of_input.par_chunks_exact(self.inputs * count));
                places.for_each(|((sums, of_result), of_input)| {
                    let of_result = Matrix::new(of_result, self.outputs, count);
                    let of_input = Matrix::new(of_input, self.inputs, count).transposed();
                    add_product(of_result, of_input, sums, Threads::One);
                });
            }
            if !of_x.is_empty() {
                let places = of_input.par_chunks_exact_mut(self.inputs * count);
                let places = places.zip(of_result.par_chunks_exact(self.outputs * count));
                let places = places.zip(kernels.par_chunks_exact(size));
                places.for_each(|((of_input, of_result), kernel)| {
                    let kernel = Matrix::new(kernel, self.outputs, self.inputs).transposed();
                    let of_result = Matrix::new(of_result, self.outputs, count);
                    overwrite(kernel, of_result, of_input, Threads::One);
                });
                let lines = self.lines(Direction::Input, &block);
                self.gather(of_input, &lines, &block, of_x);
            }
        }
    }
}

/// Transformed tiles of input and result, of the largest block.
struct Tiles<T>(Vec<T>);

impl<T: Float> Tiles<T> {
    fn new(of: &Winograd) -> Self {
        let most = of.blocks().map(|block| of.tiles_of(&block)).max();
        Tiles(vec![
            T::default();
            PLACES * (of.inputs + of.outputs) * most.unwrap_or(0)
        ])
    }

    fn of(&mut self, of: &Winograd, count: usize) -> (&mut [T], &mut [T]) {
        let all = &mut self.0[..PLACES * (of.inputs + of.outputs) * count];
        all.split_at_mut(PLACES * of.inputs * count)
    }
}
