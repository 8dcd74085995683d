//! Convolution of images by kernels that read all channels, and its gradients.
//!
//! They are matrix products of the weight and of patches (im2col; Chellapilla, Puri & Simard 2006): a column
//! for each output position. The patches of a whole batch would be many times its images, so they are laid
//! out tile by tile, for few positions of a large image or for some small images at once.

mod patches;

use std::mem::MaybeUninit;
use std::ops::Range;

use edgefit_linalg::product::{Matrix, Threads, add_product, multiply_rows, overwrite};
use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::{Float, vec_written_by};
use super::axis::Axis;
use super::backward::{Made, Read};
use super::before_activation::Planes;
use patches::Patches;

/// Elements of the patches of a tile, as long as the weight is not larger: half a mebibyte of a core's cache.
const TILE: usize = 1 << 17;

/// A convolution whose kernels read all channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dense {
    samples: usize,
    outputs: usize,
    patches: Patches,
}

/// Neighbouring positions of one image, or all positions of some images.
struct Tile {
    /// Images, of those of a group.
    images: usize,
    /// Output positions of each.
    positions: Range<usize>,
}

impl Tile {
    fn columns(&self) -> usize {
        self.images * self.positions.len()
    }
}

impl Dense {
    /// Of images (samples, inputs, height, width), a weight (outputs, inputs, height, width), and the axes
    /// height and width.
    pub fn new(x: &[usize], weight: &[usize], axes: [Axis; 2]) -> Self {
        Dense {
            samples: x[0],
            outputs: weight[0],
            patches: Patches { inputs: x[1], axes },
        }
    }

    /// Most elements of scratch: of each thread that takes a group, the patches of a tile, and as many results
    /// of them as there are outputs.
    pub fn scratch(&self, threads: usize) -> u64 {
        let columns = self.group() * self.columns();
        let each = (self.patches.elements() + self.outputs) as u64 * columns as u64;
        each * threads.min(self.groups()) as u64
    }

    /// Most positions of a tile. The weight is packed anew for each, so that a large one wants large tiles.
    fn most(&self) -> usize {
        let columns = TILE / self.patches.elements();
        columns.max(self.outputs / 2).max(1)
    }

    /// Positions of a tile in one image.
    fn columns(&self) -> usize {
        let positions = self.patches.positions();
        positions.div_ceil(positions.div_ceil(self.most()))
    }

    /// Images of which a thread computes one after the other: one, or as many as make a tile.
    fn group(&self) -> usize {
        let images = (self.most() / self.patches.positions()).clamp(1, self.samples);
        self.samples.div_ceil(self.samples.div_ceil(images))
    }

    fn groups(&self) -> usize {
        self.samples.div_ceil(self.group())
    }

    /// The tiles of a group of so many images.
    fn tiles(&self, images: usize) -> impl Iterator<Item = Tile> + use<> {
        let (positions, columns) = (self.patches.positions(), self.columns());
        let starts = (0..positions).step_by(columns);
        starts.map(move |start| Tile {
            images,
            positions: start..positions.min(start + columns),
        })
    }

    /// How many threads compute a product, where each group has a thread of its own.
    fn threads(&self) -> Threads {
        if self.groups() < rayon::current_num_threads() {
            Threads::All
        } else {
            Threads::One
        }
    }

    /// Groups that a thread takes at least, so that each allocates its scratch once.
    fn groups_per_thread(&self) -> usize {
        self.groups().div_ceil(rayon::current_num_threads())
    }

    /// The patches of a tile, and its results.
    fn buffers<T: Float>(&self) -> [Vec<T>; 2] {
        let columns = self.group() * self.columns();
        [self.patches.elements(), self.outputs].map(|rows| vec![T::default(); rows * columns])
    }

    /// The result (samples, outputs, height, width): the activation of the convolution plus the bias.
    pub(super) fn forward<T: Float>(
        &self,
        x: &[T],
        weight: &[T],
        bias: &[T],
        activation: Activation,
    ) -> Vec<T> {
        let positions = self.patches.positions();
        let image = self.outputs * positions;
        let weight = Matrix::new(weight, self.outputs, self.patches.elements());
        let threads = self.threads();
        let write = |y: &mut [MaybeUninit<T>]| {
            let groups = y
                .par_chunks_mut(self.group() * image)
                .zip(x.par_chunks(self.group() * self.patches.image()))
                .with_min_len(self.groups_per_thread());
            groups.for_each_init(
                || self.buffers(),
                |[patches, made], (y, x)| {
                    for tile in self.tiles(y.len() / image) {
                        let columns = tile.columns();
                        self.patches.gather(x, &tile.positions, patches);
                        let patches = Matrix::new(patches, weight.columns(), columns);
                        if tile.images == 1 {
                            let y = &mut y[tile.positions.start..];
                            multiply_rows(weight, patches, y, positions, threads);
                            for (row, &bias) in y.chunks_mut(positions).zip(bias) {
                                // SAFETY: the product wrote them.
                                let row = unsafe { row[..columns].assume_init_mut() };
                                activation.apply(row, bias);
                            }
                            continue;
                        }
                        let made = &mut made[..self.outputs * columns];
                        overwrite(weight, patches, made, threads);
                        for (row, &bias) in made.chunks_exact_mut(columns).zip(bias) {
                            activation.apply(row, bias);
                        }
                        for (at, y) in y.chunks_exact_mut(positions).enumerate() {
                            let (image, output) = (at / self.outputs, at % self.outputs);
                            let start = output * columns + image * positions;
                            y.write_copy_of_slice(&made[start..][..positions]);
                        }
                    }
                },
            );
        };
        // SAFETY: the tiles of a group cover all positions of its images, and a product writes all outputs.
        unsafe { vec_written_by(self.samples * image, write) }
    }

    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for.
    pub(super) fn backward<T: Float>(
        &self,
        read: Read<T>,
        gradient: &[T],
        activation: Activation,
        asked: [bool; 3],
    ) -> Made<T> {
        let planes = Planes {
            channels: self.outputs,
            each: self.patches.positions(),
        };
        let (gradient, of_bias) = planes.before_activation(gradient, read.kept, activation);
        [
            asked[0].then(|| self.input_gradient(&gradient, read.weight)),
            asked[1].then(|| self.weight_gradient(read.x, &gradient)),
            asked[2].then_some(of_bias),
        ]
    }

    /// The gradient of the input from that of the sums.
    fn input_gradient<T: Float>(&self, gradient: &[T], weight: &[T]) -> Vec<T> {
        let mut made = vec![T::default(); self.samples * self.patches.image()];
        let image = self.outputs * self.patches.positions();
        let weight = Matrix::new(weight, self.outputs, self.patches.elements()).transposed();
        let threads = self.threads();
        let groups = made
            .par_chunks_mut(self.group() * self.patches.image())
            .zip(gradient.par_chunks(self.group() * image))
            .with_min_len(self.groups_per_thread());
        groups.for_each_init(
            || self.buffers(),
            |[patches, gathered], (made, gradient)| {
                for tile in self.tiles(gradient.len() / image) {
                    let gradient = self.results(gradient, &tile, gathered);
                    let patches = &mut patches[..weight.rows() * tile.columns()];
                    overwrite(weight, gradient, patches, threads);
                    self.patches.scatter(patches, &tile.positions, made);
                }
            },
        );
        made
    }

    /// The gradient of the weight from that of the result. The sums are the same on any number of threads:
    /// tile by tile.
    fn weight_gradient<T: Float>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let mut made = vec![T::default(); self.outputs * self.patches.elements()];
        let image = self.outputs * self.patches.positions();
        let [mut patches, mut gathered] = self.buffers();
        let groups = x
            .chunks(self.group() * self.patches.image())
            .zip(gradient.chunks(self.group() * image));
        for (x, gradient) in groups {
            for tile in self.tiles(gradient.len() / image) {
                self.patches
                    .gather_on_all_threads(x, &tile.positions, &mut patches);
                let patches = Matrix::new(&patches, self.patches.elements(), tile.columns());
                let gradient = self.results(gradient, &tile, &mut gathered);
                add_product(gradient, patches.transposed(), &mut made, Threads::All);
            }
        }
        made
    }

    /// What a tile has of results (images, outputs, positions), output by output; of several images laid side
    /// by side in `gathered`.
    fn results<'r, T: Float>(
        &self,
        results: &'r [T],
        tile: &Tile,
        gathered: &'r mut [T],
    ) -> Matrix<'r, T> {
        let positions = self.patches.positions();
        if tile.images == 1 {
            let results = &results[tile.positions.start..];
            return Matrix::of_rows(results, self.outputs, tile.columns(), positions);
        }
        let columns = tile.columns();
        for (at, from) in results.chunks_exact(positions).enumerate() {
            let (image, output) = (at / self.outputs, at % self.outputs);
            gathered[output * columns + image * positions..][..positions].copy_from_slice(from);
        }
        Matrix::new(gathered, self.outputs, columns)
    }
}
