//! Rows of scores, vectorised for the processor at hand.

use pulp::{Arch, Simd, WithSimd};

use super::super::float::Float;
use super::super::sums::Sum;

/// Maxima that run side by side.
const LANES: usize = 16;

/// Replaces scores by the softmax of `scale` times them, and returns the logarithm of the sum of exponentials.
pub(super) fn softmax<T: Float>(row: &mut [T], scale: T) -> T {
    Arch::new().dispatch(Softmax { row, scale })
}

/// Replaces scores by the softmax that has the logarithm `log_sum`.
pub(super) fn softmax_again<T: Float>(row: &mut [T], scale: T, log_sum: T) {
    Arch::new().dispatch(Exponential {
        row,
        scale,
        offset: -log_sum,
    });
}

/// Replaces the gradient of a softmax by that of its scores.
pub(super) fn pull_back<T: Float>(gradient: &mut [T], softmax: &[T], scale: T) {
    let mean = super::super::sums::dot(gradient, softmax);
    Arch::new().dispatch(PullBack {
        gradient,
        softmax,
        scale,
        mean,
    });
}

struct Softmax<'a, T> {
    row: &'a mut [T],
    scale: T,
}

impl<T: Float> WithSimd for Softmax<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let scale = self.scale;
        let first = self.row.first().copied().unwrap_or_default() * scale;
        let larger = |a: T, b: T| if b > a { b } else { a };
        let mut most = [first; LANES];
        let chunks = self.row.chunks_exact(LANES);
        for value in chunks.remainder() {
            most[0] = larger(most[0], *value * scale);
        }
        for chunk in chunks {
            for (most, value) in most.iter_mut().zip(chunk) {
                *most = larger(*most, *value * scale);
            }
        }
        let most = most.into_iter().fold(first, larger);
        Exponential {
            row: &mut *self.row,
            scale,
            offset: -most,
        }
        .with_simd(simd);
        let sum = Sum(self.row).with_simd(simd);
        let factor = T::of(1.0) / sum;
        for value in self.row {
            *value = *value * factor;
        }
        most + sum.ln()
    }
}

/// exp(scale · row + offset).
struct Exponential<'a, T> {
    row: &'a mut [T],
    scale: T,
    offset: T,
}

impl<T: Float> WithSimd for Exponential<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.row {
            *value = (*value * self.scale + self.offset).exp();
        }
    }
}

struct PullBack<'a, T> {
    gradient: &'a mut [T],
    softmax: &'a [T],
    scale: T,
    mean: T,
}

impl<T: Float> WithSimd for PullBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (gradient, softmax) in self.gradient.iter_mut().zip(self.softmax) {
            *gradient = (*gradient - self.mean) * *softmax * self.scale;
        }
    }
}
