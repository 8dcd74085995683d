//! Cholesky factors of symmetric positive definite matrices.

use rayon::prelude::*;

use crate::product::{Matrix, Threads, overwrite};

/// Rows and columns of a block: what blocks do to each other is a product of matrices.
const BLOCK: usize = 64;

/// Right-hand sides that a thread solves for at a time.
const TOGETHER: usize = 128;

/// Lower triangle L of a matrix L · Lᵀ, row by row.
///
/// ```
/// use edgefit_linalg::cholesky::Cholesky;
/// let matrix = [[4.0, 2.0], [2.0, 3.0]];
/// let cholesky = Cholesky::of(2, |i, j| matrix[i][j]);
/// let mut x = [8.0, 7.0];
/// cholesky.solve(&mut x);
/// assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone)]
pub struct Cholesky {
    size: usize,
    rows: Vec<f64>,
}

impl Cholesky {
    /// Of the symmetric matrix with these elements. Where rounding leaves nothing of a pivot, the row is that
    /// of an unknown that depends on those before it, and gets none of the solution.
    ///
    /// The result does not depend on the number of threads.
    pub fn of(size: usize, element: impl Fn(usize, usize) -> f64 + Sync) -> Self {
        let mut rows = vec![0.0; size * size];
        let filled = rows.par_chunks_exact_mut(size.max(1)).enumerate();
        filled.for_each(|(i, row)| {
            for (j, value) in row[..=i].iter_mut().enumerate() {
                *value = element(i, j);
            }
        });
        for start in (0..size).step_by(BLOCK) {
            let end = size.min(start + BLOCK);
            let rest = &mut rows[start * size..];
            if start > 0 {
                let left = Matrix::of_rows(rest, size - start, start, size);
                let above = Matrix::of_rows(rest, end - start, start, size).transposed();
                let known = product(left, above, Threads::All);
                subtract(rest, size, start, &known);
            }
            let (block, below) = rest.split_at_mut((end - start) * size);
            for at in 0..end - start {
                let (above, own) = block.split_at_mut(at * size);
                forwards(above, size, start, &mut own[start..][..at]);
                let left = &own[start..][..at];
                let pivot = own[start + at] - dot(left, left);
                own[start + at] = if pivot > 0.0 {
                    pivot.sqrt()
                } else {
                    f64::INFINITY
                };
            }
            let below = below.par_chunks_exact_mut(size);
            below.for_each(|row| forwards(block, size, start, &mut row[start..end]));
        }
        Cholesky { size, rows }
    }

    /// Solves for right-hand sides that lie one behind the other, in their places.
    pub fn solve(&self, right_hand_sides: &mut [f64]) {
        let size = self.size;
        let parts = right_hand_sides.par_chunks_mut(TOGETHER * size.max(1));
        parts.for_each(|part| {
            let count = part.len() / size.max(1);
            for start in (0..size).step_by(BLOCK) {
                let width = BLOCK.min(size - start);
                let block = &self.rows[start * size..][..width * size];
                if start > 0 {
                    let solved = Matrix::of_rows(part, count, start, size);
                    let factors = Matrix::of_rows(block, width, start, size).transposed();
                    let known = product(solved, factors, Threads::One);
                    subtract(part, size, start, &known);
                }
                for x in part.chunks_exact_mut(size) {
                    forwards(block, size, start, &mut x[start..][..width]);
                }
            }
            for start in (0..size).step_by(BLOCK).rev() {
                let end = size.min(start + BLOCK);
                if end < size {
                    let solved = Matrix::of_rows(&part[end..], count, size - end, size);
                    let below = &self.rows[end * size + start..];
                    let factors = Matrix::of_rows(below, size - end, end - start, size);
                    let known = product(solved, factors, Threads::One);
                    subtract(part, size, start, &known);
                }
                for x in part.chunks_exact_mut(size) {
                    for i in (start..end).rev() {
                        let row = self.row(i);
                        x[i] /= row[i];
                        let value = x[i];
                        for (x, factor) in x[start..i].iter_mut().zip(&row[start..]) {
                            *x -= factor * value;
                        }
                    }
                }
            }
        });
    }

    /// The inverse of the matrix, row by row.
    pub fn inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; self.size * self.size];
        for at in 0..self.size {
            inverse[at * (self.size + 1)] = 1.0;
        }
        self.solve(&mut inverse);
        inverse
    }

    /// Row `at` of L, as far as the diagonal.
    pub fn row(&self, at: usize) -> &[f64] {
        &self.rows[at * self.size..][..=at]
    }
}

/// `a` times `b`, row by row.
fn product(a: Matrix<f64>, b: Matrix<f64>, threads: Threads) -> Vec<f64> {
    let mut product = vec![0.0; a.rows() * b.columns()];
    overwrite(a, b, &mut product, threads);
    product
}

/// Takes the rows of `known`, of at most [`BLOCK`] elements, from what rows of `size` hold from `start` on.
fn subtract(rows: &mut [f64], size: usize, start: usize, known: &[f64]) {
    let width = BLOCK.min(size - start);
    for (row, known) in rows.chunks_exact_mut(size).zip(known.chunks_exact(width)) {
        for (value, known) in row[start..].iter_mut().zip(known) {
            *value -= known;
        }
    }
}

/// Solves L · x = b in the place of b, with as many rows of L as b has elements, from their column `start` on.
fn forwards(rows: &[f64], size: usize, start: usize, b: &mut [f64]) {
    for (i, row) in rows.chunks_exact(size).take(b.len()).enumerate() {
        let row = &row[start..];
        b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums run side by side in the registers of the processor.
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_a_matrix_of_several_blocks_undoes_it() {
        let size = 2 * BLOCK + 5;
        let near = |i: usize, j: usize| 1.0 / (1.0 + i.abs_diff(j) as f64);
        let element = |i: usize, j: usize| near(i, j) + if i == j { 1.0 } else { 0.0 };
        let inverse = Cholesky::of(size, element).inverse();
        for i in 0..size {
            for j in 0..size {
                let product: f64 = (0..size)
                    .map(|k| element(i, k) * inverse[k * size + j])
                    .sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-9, "{i} {j} {product}");
            }
        }
    }

    #[test]
    fn an_unknown_that_says_nothing_new_gets_nothing() {
        let cholesky = Cholesky::of(2, |_, _| 1.0);
        let mut x = [1.0, 1.0];
        cholesky.solve(&mut x);
        assert_eq!(x, [1.0, 0.0]);
    }
}
