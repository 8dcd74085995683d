//! [`Covariance`]: how two sets of channels vary together, in memory that does not grow with the samples.

use edgefit_linalg::product::{Matrix, Threads, overwrite};

/// Most channels whose products are kept; of more only the squares are.
pub(crate) const LARGEST: usize = 2048;

/// Share of the mean variance that each variance is raised by.
const RIDGE: f64 = 1e-3;

/// The same, for as many rows as channels.
const FEW_ROWS: f64 = 2e-2;

/// Sums and products of the rows of two sets of channels, which may be the same.
#[derive(Debug, Clone)]
pub(crate) struct Covariance {
    sizes: [usize; 2],
    count: usize,
    /// Means of the first rows, which everything is counted from: products of large numbers that vary little
    /// would leave nothing of how they vary.
    origins: [Vec<f32>; 2],
    sums: [Vec<f64>; 2],
    /// Row-major, one row for each channel of the first set; the squares alone where there are too many.
    products: Vec<f64>,
}

impl Covariance {
    /// Of no rows yet, of so many channels each.
    pub fn new(sizes: [usize; 2]) -> Self {
        let is_whole = sizes.iter().all(|&size| size <= LARGEST);
        let elements = if is_whole {
            sizes[0] * sizes[1]
        } else {
            sizes[0].min(sizes[1])
        };
        Covariance {
            sizes,
            count: 0,
            origins: sizes.map(|size| vec![0.0; size]),
            sums: sizes.map(|size| vec![0.0; size]),
            products: vec![0.0; elements],
        }
    }

    /// Whether all products are kept, not only the squares.
    pub fn is_whole(&self) -> bool {
        self.sizes.iter().all(|&size| size <= LARGEST)
    }

    /// Counts rows of both sets, as many of each.
    pub fn add(&mut self, a: &[f32], b: &[f32]) {
        let [left, right] = self.sizes;
        if left == 0 || right == 0 {
            return;
        }
        let count = (a.len() / left).min(b.len() / right);
        if count == 0 {
            return;
        }
        if self.count == 0 {
            self.origins = [means(a, left), means(b, right)];
        }
        self.count += count;
        let [a, b] = [(a, 0), (b, 1)].map(|(rows, set)| self.moved(rows, set));
        let [a, b] = [&a[..], &b[..]];
        for (sums, rows) in self.sums.iter_mut().zip([a, b]) {
            for row in rows.chunks_exact(sums.len()) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
        }
        if self.is_whole() {
            let mut products = vec![0f32; left * right];
            let a = Matrix::new(a, count, left).transposed();
            let b = Matrix::new(b, count, right);
            overwrite(a, b, &mut products, Threads::All);
            for (sum, product) in self.products.iter_mut().zip(products) {
                *sum += f64::from(product);
            }
        } else {
            for (a, b) in a.chunks_exact(left).zip(b.chunks_exact(right)) {
                for ((sum, a), b) in self.products.iter_mut().zip(a).zip(b) {
                    *sum += f64::from(*a) * f64::from(*b);
                }
            }
        }
    }

    /// Mean of a channel of the first or second set.
    pub fn mean(&self, set: usize, channel: usize) -> f64 {
        f64::from(self.origins[set][channel]) + self.offset(set, channel)
    }

    /// Mean of a channel, from its origin.
    fn offset(&self, set: usize, channel: usize) -> f64 {
        self.sums[set][channel] / self.count.max(1) as f64
    }

    /// Rows of a set, from its origins.
    fn moved(&self, rows: &[f32], set: usize) -> Vec<f32> {
        let origins = &self.origins[set];
        let rows = rows.chunks_exact(origins.len());
        rows.flat_map(|row| {
            row.iter()
                .zip(origins)
                .map(|(value, origin)| value - origin)
        })
        .collect()
    }

    /// What is added to the variances of some channels before they predict others: a share of their mean, more
    /// where there are few rows for so many channels.
    pub fn ridge(&self, channels: impl ExactSizeIterator<Item = usize>, center: Center) -> f64 {
        let count = channels.len().max(1) as f64;
        let mean = channels.map(|at| self.at(at, at, center)).sum::<f64>() / count;
        if mean > 0.0 {
            mean * (RIDGE + FEW_ROWS * count / self.count.max(1) as f64)
        } else {
            1.0
        }
    }

    /// How channel `a` of the first and `b` of the second set vary together, around their means or around 0.
    pub fn at(&self, a: usize, b: usize, center: Center) -> f64 {
        let at = if self.is_whole() {
            a * self.sizes[1] + b
        } else if a == b {
            a
        } else {
            return 0.0;
        };
        let product = self.products[at] / self.count.max(1) as f64;
        let varies = product - self.offset(0, a) * self.offset(1, b);
        match center {
            Center::Mean => varies,
            Center::Zero => varies + self.mean(0, a) * self.mean(1, b),
        }
    }
}

/// What values vary around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Center {
    /// Their mean, where a bias makes up for it.
    Mean,
    /// Zero, where there is no bias.
    Zero,
}

/// Mean of each column of rows of so many elements.
fn means(rows: &[f32], size: usize) -> Vec<f32> {
    let mut sums = vec![0f64; size];
    for row in rows.chunks_exact(size) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let count = (rows.len() / size).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_taken_around_the_mean_or_zero() {
        let mut covariance = Covariance::new([2, 1]);
        covariance.add(&[1.0, 2.0, 3.0, 6.0], &[1.0, 3.0]);
        assert_eq!(covariance.mean(0, 1), 4.0);
        assert_eq!(covariance.at(0, 0, Center::Zero), 5.0);
        assert_eq!(covariance.at(0, 0, Center::Mean), 1.0);
        assert_eq!(covariance.at(1, 0, Center::Mean), 2.0);
    }

    #[test]
    fn what_varies_little_around_a_large_mean_is_not_lost() {
        let mut covariance = Covariance::new([1, 1]);
        for _ in 0..3 {
            covariance.add(&[4096.0, 4097.0], &[4096.0, 4097.0]);
        }
        assert_eq!(covariance.at(0, 0, Center::Mean), 0.25);
        assert_eq!(covariance.mean(0, 0), 4096.5);
    }
}
