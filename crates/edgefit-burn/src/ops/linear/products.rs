//! The products of a linear layer and of its gradients, by tiles of rows.

use std::mem::MaybeUninit;

use edgefit_linalg::product::{Matrix, Threads, multiply, multiply_rows};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::activation::Kept;
use super::super::float::{Float, vec_written_by};
use super::{Linear, Orientation};

/// Most rows of a tile. The weight is packed anew for each.
const ROWS: usize = 256;

/// The sizes of a linear layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Products {
    pub layer: Linear,
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl Products {
    /// Rows of a tile. There is an even number of tiles, the same on any number of threads.
    fn tile(&self) -> usize {
        let tiles = self.rows.div_ceil(ROWS).next_multiple_of(2);
        self.rows.div_ceil(tiles)
    }

    fn weight<'w, T: Float>(&self, weight: &'w [T]) -> Matrix<'w, T> {
        match self.layer.orientation {
            Orientation::InputsFirst => Matrix::new(weight, self.inputs, self.outputs),
            Orientation::OutputsFirst => {
                Matrix::new(weight, self.outputs, self.inputs).transposed()
            }
        }
    }

    /// The result, and the sums before the activation if it keeps them.
    pub fn forward<T: Float>(
        &self,
        [x, weight, bias]: [&[T]; 3],
        keeps: Kept,
    ) -> (Vec<T>, Option<Vec<T>>) {
        let weight = self.weight(weight);
        let activation = self.layer.activation;
        let (inputs, outputs) = (self.inputs, self.outputs);
        let count = self.rows * outputs;
        let tile = self.tile();
        let product = |x: &[T], to: &mut [MaybeUninit<T>]| {
            let x = Matrix::new(x, x.len() / inputs, inputs);
            multiply(x, weight, to, Threads::One);
        };
        if keeps != Kept::Operand {
            let write = |y: &mut [MaybeUninit<T>]| {
                let tiles = y.par_chunks_mut(tile * outputs);
                let tiles = tiles.zip(x.par_chunks(tile * inputs));
                tiles.for_each(|(y, x)| {
                    product(x, y);
                    // SAFETY: the product wrote them.
                    let rows = unsafe { y.assume_init_mut() }.chunks_exact_mut(outputs);
                    rows.for_each(|row| activation.apply_row(row, bias, None));
                });
            };
            // SAFETY: there is a tile of `x` for each of the result, and a product writes all of it.
            return (unsafe { vec_written_by(count, write) }, None);
        }
        let mut sums = Vec::new();
        let write = |y: &mut [MaybeUninit<T>]| {
            let write = |sums: &mut [MaybeUninit<T>]| {
                let tiles = sums.par_chunks_mut(tile * outputs);
                let tiles = tiles.zip(y.par_chunks_mut(tile * outputs));
                let tiles = tiles.zip(x.par_chunks(tile * inputs));
                tiles.for_each(|((sums, y), x)| {
                    product(x, sums);
                    // SAFETY: the product wrote them.
                    let rows = unsafe { sums.assume_init_mut() }.chunks_exact_mut(outputs);
                    for (row, y) in rows.zip(y.chunks_exact_mut(outputs)) {
                        activation.apply_row(row, bias, Some(y));
                    }
                });
            };
            // SAFETY: as above.
            sums = unsafe { vec_written_by(count, write) };
        };
        // SAFETY: every row of a tile is written.
        let y = unsafe { vec_written_by(count, write) };
        (y, Some(sums))
    }

    /// Makes the gradient before the activation of that behind it.
    pub fn pull_back<T: Float>(&self, gradient: &mut [T], kept: &[T]) {
        let tile = self.tile() * self.outputs;
        let tiles = gradient.par_chunks_mut(tile).zip(kept.par_chunks(tile));
        tiles.for_each(|(gradient, kept)| self.layer.activation.pull_back_in_place(gradient, kept));
    }

    /// The gradients of x, weight and bias from that before the activation, as far as they are `asked` for.
    pub fn backward<T: Float>(
        &self,
        [x, weight, gradient]: [&[T]; 3],
        asked: [bool; 3],
    ) -> [Option<Vec<T>>; 3] {
        let (inputs, outputs, tile) = (self.inputs, self.outputs, self.tile());
        let of_weight = self.weight(weight).transposed();
        let mut sums = vec![T::default(); self.rows.div_ceil(tile) * outputs];
        let add = |gradient: &[T], sums: &mut [T]| {
            if asked[2] {
                let rows = gradient.chunks_exact(outputs);
                rows.for_each(|row| Arch::new().dispatch(Add { row, sums }));
            }
        };
        let tiles = gradient.par_chunks(tile * outputs);
        let tiles = tiles.zip(sums.par_chunks_exact_mut(outputs));
        let of_x = if asked[0] {
            let write = |of_x: &mut [MaybeUninit<T>]| {
                let tiles = tiles.zip(of_x.par_chunks_mut(tile * inputs));
                tiles.for_each(|((gradient, sums), of_x)| {
                    add(gradient, sums);
                    let gradient = Matrix::new(gradient, gradient.len() / outputs, outputs);
                    multiply_rows(gradient, of_weight, of_x, inputs, Threads::One);
                });
            };
            // SAFETY: there is a tile of the gradient for each of this one, and a product writes all of it.
            Some(unsafe { vec_written_by(self.rows * inputs, write) })
        } else {
            tiles.for_each(|(gradient, sums)| add(gradient, sums));
            None
        };
        let made = asked[1].then(|| {
            let x = Matrix::new(x, self.rows, inputs);
            let gradient = Matrix::new(gradient, self.rows, outputs);
            let (a, b) = match self.layer.orientation {
                Orientation::InputsFirst => (x, gradient),
                Orientation::OutputsFirst => (gradient, x),
            };
            let write = |to: &mut [MaybeUninit<T>]| multiply(a.transposed(), b, to, Threads::All);
            // SAFETY: a product writes all of it.
            unsafe { vec_written_by(inputs * outputs, write) }
        });
        let of_bias = asked[2].then(|| {
            let (first, others) = sums.split_at(outputs);
            let mut all = first.to_vec();
            for row in others.chunks_exact(outputs) {
                all.iter_mut().zip(row).for_each(|(all, sum)| *all += *sum);
            }
            all
        });
        [of_x, made, of_bias]
    }
}

/// Adds a row to sums.
struct Add<'a, T> {
    row: &'a [T],
    sums: &'a mut [T],
}

impl<T: Float> WithSimd for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (sum, value) in self.sums.iter_mut().zip(self.row) {
            *sum += *value;
        }
    }
}
