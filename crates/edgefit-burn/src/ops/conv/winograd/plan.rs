//! How a convolution is divided into blocks of tiles, and what that costs.

use std::ops::Range;

use super::super::axis::Axis;
use super::tile::{Direction, Grid};

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
pub(super) const GAP: usize = 16;

/// What a convolution is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its result alone, as exact as may be.
    Inference,
    /// Gradients.
    Training,
}

/// The tiles of a convolution by 3×3 kernels that read all channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub samples: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub axes: [Axis; 2],
    /// Edge of the part of the result that a tile makes: 2 or 4.
    pub step: usize,
}

/// Neighbouring rows of tiles of one image, or all tiles of some images.
pub(super) struct Block {
    pub images: Range<usize>,
    pub rows: Range<usize>,
}

impl Plan {
    /// The convolution of images (samples, inputs, height, width) by a weight (outputs, inputs, height, width), if
    /// it is one of these and pays.
    pub fn of(x: &[usize], weight: &[usize], axes: [Axis; 2], purpose: Purpose) -> Option<Self> {
        let fits = |axis: &Axis| {
            let extent = axis.extent;
            (extent.kernel, extent.stride, extent.dilation) == (3, 1, 1) && extent.before <= 2
        };
        let positions: usize = axes.iter().map(|axis| axis.extent.output).product();
        let pays = x[1].min(weight[0]) >= CHANNELS && x[0] * positions >= POSITIONS;
        let by = |step| Plan {
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
    pub fn places(&self) -> usize {
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
    pub fn scratch_of_tiles(&self) -> usize {
        let most = self
            .blocks(self.samples)
            .map(|block| self.tiles_of(&block))
            .max();
        let of = |channels: usize| pitch(channels * most.unwrap_or(0));
        self.places() * (of(self.inputs) + of(self.outputs))
    }

    /// Of the images of one group. A group is computed by one thread, unless others have nothing to do.
    pub fn of_group(&self) -> Self {
        let most = self.most() / self.tiles();
        let samples = most
            .max(self.samples.div_ceil(GROUPS))
            .clamp(1, self.samples);
        Plan {
            samples: self.samples.div_ceil(self.samples.div_ceil(samples)),
            ..*self
        }
    }

    pub fn groups(&self) -> usize {
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

    pub fn tiles_of(&self, block: &Block) -> usize {
        block.images.len() * block.rows.len() * self.grid()[1]
    }

    /// Blocks of about as many tiles, of the first `samples` images. Of fewer images they are no larger.
    pub fn blocks(&self, samples: usize) -> impl Iterator<Item = Block> + use<> {
        let [rows, columns] = self.grid();
        let most = self.most();
        let images = (most / (rows * columns)).clamp(1, self.samples);
        let images = self.samples.div_ceil(self.samples.div_ceil(images));
        let each = rows.div_ceil(rows.div_ceil((most / columns).max(1)));
        let each = if images > 1 { rows } else { each };
        (0..samples).step_by(images).flat_map(move |image| {
            (0..rows).step_by(each).map(move |row| Block {
                images: image..samples.min(image + images),
                rows: row..rows.min(row + each),
            })
        })
    }

    /// The tiles of a block in planes of the input, or of the result.
    pub fn of_block(&self, direction: Direction, block: &Block) -> Grid {
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
}

/// Elements from one place of a tile to the next.
pub(super) fn pitch(elements: usize) -> usize {
    elements + GAP
}
