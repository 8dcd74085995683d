//! [`Moments`]: how the inputs of a layer vary together, in memory that does not grow with the samples.

use std::ops::Range;

use edgefit_engine::Array;
use edgefit_graph::ops::{Conv, Extent};
use edgefit_linalg::product::{Matrix, Threads, add_product};

use crate::channels::Channels;

/// Widest block of inputs whose covariance is kept whole; between blocks it is taken as none.
const BLOCK: usize = 1024;

/// Most positions that are taken of a sample: neighbouring ones say nearly the same.
const POSITIONS: usize = 16;

/// Sums and products of the inputs that make one output of a layer, over samples and positions.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    /// Groups of output channels that read inputs of their own.
    groups: usize,
    /// Inputs of an output.
    width: usize,
    count: usize,
    sums: Vec<f64>,
    /// For each group and block a square matrix.
    products: Vec<Vec<f32>>,
    /// Samples that were taken so far.
    samples: usize,
}

impl Moments {
    /// Of no samples yet, for the inputs of a layer.
    pub fn of(channels: Channels) -> Self {
        let (groups, width) = (channels.groups(), channels.width());
        let squares = (0..groups)
            .flat_map(|_| blocks(width))
            .map(|block| block.len().pow(2));
        Moments {
            groups,
            width,
            count: 0,
            sums: vec![0.0; groups * width],
            products: squares.map(|elements| vec![0.0; elements]).collect(),
            samples: 0,
        }
    }

    /// Groups of output channels that read inputs of their own.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Counts the inputs `x` of a convolution with a weight of the shape `weight`.
    pub fn add_convolved(&mut self, conv: &Conv, x: &Array, weight: &[usize]) {
        let Ok(extents) = conv.extents(&x.dims, weight) else {
            return;
        };
        let sample = x.dims[1..].iter().product();
        let positions: usize = extents.iter().map(|extent| extent.output).product();
        let row = self.groups * self.width;
        let mut rows = Vec::new();
        for values in x.values.chunks_exact(sample) {
            for position in self.chosen(positions) {
                let start = rows.len();
                rows.resize(start + row, 0.0);
                patch(values, &x.dims[2..], &extents, position, &mut rows[start..]);
            }
        }
        self.add(&rows);
    }

    /// Counts the rows of a matrix, or of several behind each other.
    pub fn add_rows(&mut self, x: &Array) {
        let batch = x.dims.first().copied().unwrap_or(0).max(1);
        let sample = x.values.len() / batch;
        let positions = sample / self.width.max(1);
        let mut rows = Vec::new();
        for values in x.values.chunks_exact(sample.max(1)) {
            for position in self.chosen(positions) {
                rows.extend_from_slice(&values[position * self.width..][..self.width]);
            }
        }
        self.add(&rows);
    }

    /// At most [`POSITIONS`] of the positions of a sample, evenly spread and shifted from sample to sample.
    fn chosen(&mut self, positions: usize) -> Vec<usize> {
        let count = positions.min(POSITIONS);
        // The fractions of the golden ratio's multiples are spread as evenly as can be.
        let shift = (self.samples as f64 * 0.618_033_988_75).fract();
        self.samples += 1;
        (0..count)
            .map(|index| ((index as f64 + shift) * positions as f64 / count as f64) as usize)
            .map(|position| position.min(positions - 1))
            .collect()
    }

    fn add(&mut self, rows: &[f32]) {
        let row = self.groups * self.width;
        if row == 0 || rows.is_empty() {
            return;
        }
        let count = rows.len() / row;
        for row in rows.chunks_exact(row) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        let mut products = self.products.iter_mut();
        for group in 0..self.groups {
            for block in blocks(self.width) {
                let Some(product) = products.next() else {
                    return;
                };
                let from = &rows[group * self.width + block.start..];
                let x = Matrix::of_rows(from, count, block.len(), row);
                add_product(x.transposed(), x, product, Threads::One);
            }
        }
        self.count += count;
    }

    /// For a group of output channels: each block of its inputs with their covariance, row-major.
    pub fn covariances(&self, group: usize) -> Vec<(Range<usize>, Vec<f64>)> {
        let all = blocks(self.width);
        let products = &self.products[group * all.len()..];
        let count = self.count.max(1) as f64;
        let mean = |index: usize| self.sums[group * self.width + index] / count;
        all.into_iter()
            .zip(products)
            .map(|(block, products)| {
                let size = block.len();
                let covariance = products.iter().enumerate().map(|(at, product)| {
                    let (i, j) = (block.start + at / size, block.start + at % size);
                    f64::from(*product) / count - mean(i) * mean(j)
                });
                (block.clone(), covariance.collect())
            })
            .collect()
    }
}

fn blocks(width: usize) -> Vec<Range<usize>> {
    let starts = (0..width).step_by(BLOCK);
    starts
        .map(|start| start..width.min(start + BLOCK))
        .collect()
}

/// The inputs of all groups that make the output at `position`: of each channel the elements under the
/// kernel, zero where it lies over the edge.
fn patch(x: &[f32], spatial: &[usize], extents: &[Extent], position: usize, row: &mut [f32]) {
    let plane: usize = spatial.iter().product();
    let kernel: usize = extents.iter().map(|extent| extent.kernel).product();
    let offsets = (0..kernel).map(|tap| {
        let (mut tap, mut position) = (tap, position);
        let (mut offset, mut stride) = (0, 1);
        for (extent, &size) in extents.iter().zip(spatial).rev() {
            let at =
                position % extent.output * extent.stride + tap % extent.kernel * extent.dilation;
            let at = at.checked_sub(extent.before).filter(|&at| at < size)?;
            offset += at * stride;
            stride *= size;
            tap /= extent.kernel;
            position /= extent.output;
        }
        Some(offset)
    });
    let offsets: Vec<Option<usize>> = offsets.collect();
    for (channel, taps) in row.chunks_exact_mut(kernel).enumerate() {
        for (value, offset) in taps.iter_mut().zip(&offsets) {
            if let Some(offset) = offset {
                *value = x[channel * plane + offset];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::{Node, Tensor};

    #[test]
    fn covariance_is_that_of_the_rows() {
        let weight = Tensor::from_values(vec![1, 2], &[0f32; 2]);
        let node = Node::new("Gemm", "g", &["x", "w"], &["y"])
            .with("transB", edgefit_graph::Attribute::Int(1));
        let mut moments = Moments::of(Channels::of(&node, &weight).unwrap());
        moments.add_rows(&Array {
            dims: vec![4, 2],
            values: vec![1.0, 2.0, 3.0, 6.0, 1.0, 2.0, 3.0, 6.0],
        });
        let covariances = moments.covariances(0);
        assert_eq!(covariances, [(0..2, vec![1.0, 2.0, 2.0, 4.0])]);
    }

    #[test]
    fn a_patch_is_what_lies_under_the_kernel() {
        let extent = |output| Extent {
            kernel: 2,
            stride: 1,
            dilation: 1,
            before: 1,
            after: 0,
            output,
        };
        let x: Vec<f32> = (1..=12).map(|value| value as f32).collect();
        let mut row = vec![0.0; 8];
        // Two channels of 2 × 3; the output in row 1, column 0.
        patch(&x, &[2, 3], &[extent(2), extent(3)], 3, &mut row);
        assert_eq!(row, [0.0, 1.0, 0.0, 4.0, 0.0, 7.0, 0.0, 10.0]);
    }
}
