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

/// Elements of the transformed tiles of a block, of input and result, as long as the weight is not larger.
const BLOCK: usize = 1 << 20;

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

    /// Elements of scratch of the forward and of the backward pass.
    pub fn scratch(&self) -> [u64; 2] {
        let weight = (PLACES * self.inputs * self.outputs) as u64;
        let tiles = self.blocks().map(|block| self.tiles_of(&block)).max();
        let tiles = (PLACES * (self.inputs + self.outputs) * tiles.unwrap_or(0)) as u64;
        [weight + tiles, 2 * weight + tiles]
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

    /// Blocks of about as many tiles. The weight is packed anew for each, so that a large one wants large blocks.
    fn blocks(&self) -> impl Iterator<Item = Block> + use<> {
        let [rows, columns] = self.grid();
        let most = BLOCK / (PLACES * (self.inputs + self.outputs));
        let most = most.max(self.outputs / 2);
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
        let mut tiles = Tiles::new(self);
        let [height, width] = self.axes.map(|axis| axis.extent.output);
        let mut y = vec![T::default(); self.samples * self.outputs * height * width];
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
            self.gather(of_y, &lines, &block, &mut y);
            let first = (block.rows.start * 2 * width).min(height * width);
            let end = (block.rows.end * 2 * width).min(height * width);
            let images = block.images.start * self.outputs..block.images.end * self.outputs;
            let planes = y[images.start * height * width..images.end * height * width]
                .par_chunks_exact_mut(height * width)
                .enumerate();
            planes.for_each(|(at, plane)| {
                activation.apply(&mut plane[first..end], bias[at % self.outputs]);
            });
        }
        y
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
        let size = self.outputs * self.inputs;
        let kernels = if asked[0] {
            from_kernels(read.weight)
        } else {
            Vec::new()
        };
        let mut of_x = vec![T::default(); if asked[0] { read.x.len() } else { 0 }];
        let mut of_kernels = vec![T::default(); if asked[1] { PLACES * size } else { 0 }];
        let mut tiles = Tiles::new(self);
        for block in self.blocks() {
            let count = self.tiles_of(&block);
            let (of_input, of_result) = tiles.of(self, count);
            self.transform(
                &gradient,
                (Direction::Result, self.outputs),
                &block,
                of_result,
            );
            if asked[1] {
                self.transform(read.x, (Direction::Input, self.inputs), &block, of_input);
                let places = of_kernels.par_chunks_exact_mut(size);
                let places = places.zip(of_result.par_chunks_exact(self.outputs * count));
                let places = places.zip(of_input.par_chunks_exact(self.inputs * count));
                places.for_each(|((sums, of_result), of_input)| {
                    let of_result = Matrix::new(of_result, self.outputs, count);
                    let of_input = Matrix::new(of_input, self.inputs, count).transposed();
                    add_product(of_result, of_input, sums, Threads::One);
                });
            }
            if asked[0] {
                let places = of_input.par_chunks_exact_mut(self.inputs * count);
                let places = places.zip(of_result.par_chunks_exact(self.outputs * count));
                let places = places.zip(kernels.par_chunks_exact(size));
                places.for_each(|((of_input, of_result), kernel)| {
                    let kernel = Matrix::new(kernel, self.outputs, self.inputs).transposed();
                    let of_result = Matrix::new(of_result, self.outputs, count);
                    overwrite(kernel, of_result, of_input, Threads::One);
                });
                let lines = self.lines(Direction::Input, &block);
                self.gather(of_input, &lines, &block, &mut of_x);
            }
        }
        [
            asked[0].then_some(of_x),
            asked[1].then(|| kernel_gradient(&of_kernels)),
            asked[2].then_some(of_bias),
        ]
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
