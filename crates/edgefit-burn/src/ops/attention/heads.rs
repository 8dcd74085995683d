//! Attention of each head of each sample.

use std::mem::MaybeUninit;

use edgefit_linalg::product::{Matrix, Threads, overwrite};
use rayon::prelude::*;

use super::super::float::{Float, vec_written_by};
use super::rows;

/// The matrices of the heads of a tensor, wherever their elements lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strided<'a, T> {
    pub elements: &'a [T],
    /// From sample to sample, head to head, row to row and column to column.
    pub strides: [usize; 4],
}

/// The sizes of an attention.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub samples: usize,
    pub heads: usize,
    /// Rows of Q, and of K and V.
    pub positions: [usize; 2],
    pub width: usize,
    pub scale: f64,
}

impl Heads {
    fn matrix<'a, T: Float>(&self, of: Strided<'a, T>, head: usize, rows: usize) -> Matrix<'a, T> {
        let [by_sample, by_head, down, right] = of.strides;
        let start = head / self.heads * by_sample + head % self.heads * by_head;
        Matrix::strided(&of.elements[start..], rows, self.width, [down, right])
    }

    /// Softmax · V of each head (samples, heads, positions, width), and the logarithm of the sum of each row.
    pub fn forward<T: Float>(&self, [q, k, v]: [Strided<T>; 3]) -> (Vec<T>, Vec<T>) {
        let [from, to] = self.positions;
        let all = self.samples * self.heads;
        let mut made = vec![T::default(); all * from * self.width];
        let mut log_sums = vec![T::default(); all * from];
        let scale = T::of(self.scale);
        let heads = made.par_chunks_exact_mut(from * self.width);
        let heads = heads.zip(log_sums.par_chunks_exact_mut(from)).enumerate();
        heads.for_each_init(
            || vec![T::default(); from * to],
            |scores, (head, (made, log_sums))| {
                let (q, k) = (self.matrix(q, head, from), self.matrix(k, head, to));
                overwrite(q, k.transposed(), scores, Threads::One);
                for (row, log_sum) in scores.chunks_exact_mut(to).zip(log_sums) {
                    *log_sum = rows::softmax(row, scale);
                }
                let scores = Matrix::new(scores, from, to);
                overwrite(scores, self.matrix(v, head, to), made, Threads::One);
            },
        );
        (made, log_sums)
    }

    /// The gradients of Q, K and V, each (samples, heads, positions, width).
    pub fn backward<T: Float>(
        &self,
        [q, k, v, gradient]: [Strided<T>; 4],
        log_sums: &[T],
    ) -> [Vec<T>; 3] {
        let [from, to] = self.positions;
        let all = self.samples * self.heads;
        let [mut of_q, mut of_k, mut of_v] =
            [from, to, to].map(|rows| vec![T::default(); all * rows * self.width]);
        let scale = T::of(self.scale);
        let heads = of_q
            .par_chunks_exact_mut(from * self.width)
            .zip(of_k.par_chunks_exact_mut(to * self.width))
            .zip(of_v.par_chunks_exact_mut(to * self.width))
            .zip(log_sums.par_chunks_exact(from));
        heads.enumerate().for_each_init(
            || [from, from].map(|from| vec![T::default(); from * to]),
            |[softmax, scores], (head, (((of_q, of_k), of_v), log_sums))| {
                let (q, k) = (self.matrix(q, head, from), self.matrix(k, head, to));
                let (v, gradient) = (self.matrix(v, head, to), self.matrix(gradient, head, from));
                overwrite(q, k.transposed(), softmax, Threads::One);
                for (row, log_sum) in softmax.chunks_exact_mut(to).zip(log_sums) {
                    rows::softmax_again(row, scale, *log_sum);
                }
                overwrite(gradient, v.transposed(), scores, Threads::One);
                for (row, softmax) in scores.chunks_exact_mut(to).zip(softmax.chunks_exact(to)) {
                    rows::pull_back(row, softmax, scale);
                }
                let softmax = Matrix::new(softmax, from, to).transposed();
                overwrite(softmax, gradient, of_v, Threads::One);
                let scores = Matrix::new(scores, from, to);
                overwrite(scores, k, of_q, Threads::One);
                overwrite(scores.transposed(), q, of_k, Threads::One);
            },
        );
        [of_q, of_k, of_v]
    }

    /// (samples, positions, parts, heads, width) of parts of (samples, heads, positions, width).
    pub fn by_position<T: Float>(&self, parts: &[Vec<T>], positions: usize) -> Vec<T> {
        let row = parts.len() * self.heads * self.width;
        let count = self.samples * positions * row;
        let write = |made: &mut [MaybeUninit<T>]| {
            let rows = made.par_chunks_exact_mut(row).enumerate();
            rows.for_each(|(index, row)| {
                let (sample, position) = (index / positions, index % positions);
                for (at, to) in row.chunks_exact_mut(self.width).enumerate() {
                    let (part, head) = (at / self.heads, at % self.heads);
                    let start = (sample * self.heads + head) * positions + position;
                    to.write_copy_of_slice(&parts[part][start * self.width..][..self.width]);
                }
            });
        };
        // SAFETY: every row is written.
        unsafe { vec_written_by(count, write) }
    }
}
