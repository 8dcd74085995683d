//! Cholesky factors of symmetric positive definite matrices.

use rayon::prelude::*;

/// Rows that a thread takes at a time: each row of L that they meet is read once for all of them.
const TOGETHER: usize = 8;

/// Rows that are finished before those behind them begin.
const BLOCK: usize = 64;

/// Lower triangle L of a matrix L · Lᵀ, row by row.
///
/// ```
/// use edgefit_base::cholesky::Cholesky;
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
        for start in (0..size).step_by(BLOCK) {
            let end = size.min(start + BLOCK);
            let (done, block) = rows.split_at_mut(start * size);
            let block = &mut block[..(end - start) * size];
            let parts = block.par_chunks_mut(TOGETHER * size).enumerate();
            parts.for_each(|(part, rows)| {
                let first = start + part * TOGETHER;
                for j in 0..start {
                    let above = &done[j * size..][..=j];
                    for (own, i) in rows.chunks_exact_mut(size).zip(first..) {
                        own[j] = (element(i, j) - dot(&own[..j], &above[..j])) / above[j];
                    }
                }
            });
            for i in start..end {
                let (above, own) = block.split_at_mut((i - start) * size);
                let own = &mut own[..=i];
                for (j, above) in (start..i).zip(above.chunks_exact(size)) {
                    own[j] = (element(i, j) - dot(&own[..j], &above[..j])) / above[j];
                }
                let pivot = element(i, i) - dot(&own[..i], &own[..i]);
                own[i] = if pivot > 0.0 {
                    pivot.sqrt()
                } else {
                    f64::INFINITY
                };
            }
        }
        Cholesky { size, rows }
    }

    /// Solves for right-hand sides that lie one behind the other, in their places.
    pub fn solve(&self, right_hand_sides: &mut [f64]) {
        let size = self.size.max(1);
        let parts = right_hand_sides.par_chunks_mut(TOGETHER * size);
        parts.for_each(|part| {
            for i in 0..self.size {
                let row = self.row(i);
                for x in part.chunks_exact_mut(size) {
                    x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
                }
            }
            for i in (0..self.size).rev() {
                let row = self.row(i);
                for x in part.chunks_exact_mut(size) {
                    x[i] /= row[i];
                    let value = x[i];
                    for (x, factor) in x[..i].iter_mut().zip(row) {
                        *x -= factor * value;
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
