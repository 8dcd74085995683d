//! Cholesky factors of symmetric positive definite matrices.

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
    pub fn of(size: usize, element: impl Fn(usize, usize) -> f64) -> Self {
        let mut rows = vec![0.0; size * size];
        for i in 0..size {
            let (done, own) = rows.split_at_mut(i * size);
            let own = &mut own[..=i];
            for j in 0..i {
                let above = &done[j * size..][..=j];
                own[j] = (element(i, j) - dot(&own[..j], &above[..j])) / above[j];
            }
            let pivot = element(i, i) - dot(&own[..i], &own[..i]);
            own[i] = if pivot > 0.0 {
                pivot.sqrt()
            } else {
                f64::INFINITY
            };
        }
        Cholesky { size, rows }
    }

    /// Solves for one right-hand side, in its place.
    pub fn solve(&self, x: &mut [f64]) {
        let size = self.size;
        for i in 0..size {
            let row = self.row(i);
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        for i in (0..size).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            let value = x[i];
            for (x, factor) in x[..i].iter_mut().zip(row) {
                *x -= factor * value;
            }
        }
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
    fn an_unknown_that_says_nothing_new_gets_nothing() {
        let cholesky = Cholesky::of(2, |_, _| 1.0);
        let mut x = [1.0, 1.0];
        cholesky.solve(&mut x);
        assert_eq!(x, [1.0, 0.0]);
    }
}
