//! Sums over rows, vectorised for the processor at hand. Their order does not depend on where they run.

use pulp::{Arch, Simd, WithSimd};

use super::float::Float;

/// Sums that run side by side.
const LANES: usize = 16;

/// The sum of a row.
pub(super) fn sum<T: Float>(row: &[T]) -> T {
    Arch::new().dispatch(Sum(row))
}

pub(super) struct Sum<'a, T>(pub &'a [T]);

impl<T: Float> WithSimd for Sum<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); LANES];
        let chunks = self.0.chunks_exact(LANES);
        for rest in chunks.remainder() {
            sums[0] += *rest;
        }
        for chunk in chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += *value;
            }
        }
        sums.into_iter().sum()
    }
}

/// The sum of the products of two rows.
pub(super) fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    Arch::new().dispatch(Dot(a, b))
}

struct Dot<'a, T>(&'a [T], &'a [T]);

impl<T: Float> WithSimd for Dot<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); LANES];
        let (a, b) = (self.0.chunks_exact(LANES), self.1.chunks_exact(LANES));
        for (a, b) in a.remainder().iter().zip(b.remainder()) {
            sums[0] += *a * *b;
        }
        for (a, b) in a.zip(b) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += *a * *b;
            }
        }
        sums.into_iter().sum()
    }
}
