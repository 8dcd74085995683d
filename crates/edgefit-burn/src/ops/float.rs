//! The types that kernels compute in, and vectors that are written without being zeroed first.

use std::iter::Sum;
use std::mem::MaybeUninit;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use burn::tensor::Element;
use bytemuck::Pod;
use edgefit_linalg::product::Scalar;

/// A float of 32 or 64 bits.
pub(crate) trait Float:
    Element
    + Pod
    + Scalar
    + Default
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + Sum
{
    /// The nearest to `value`.
    fn of(value: f64) -> Self;

    /// The exponential; what would be below the smallest normal number may be that.
    fn exp(self) -> Self;

    fn root(self) -> Self;

    fn ln(self) -> Self;

    /// The nearest whole number, of two the even one.
    fn round(self) -> Self;

    /// The standard normal distribution up to here, and its density here times √(2π).
    fn normal(self) -> (Self, Self);
}

impl Float for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    /// 2ⁿ · eʳ with |r| ≤ ln 2 / 2, the polynomial of Cephes' `expf`: no branches, so that loops of it are
    /// vectorised.
    #[inline(always)]
    fn exp(self) -> Self {
        // Adding it rounds to a whole number, which the lowest bits then hold.
        const ROUND: f32 = 12_582_912.0;
        const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
        const SERIES: [f32; 6] = [
            1.987_569_1e-4,
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ];
        let x = self.clamp(-87.3, 88.3);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let whole = shifted - ROUND;
        let rest = x - whole * LN_2[0] - whole * LN_2[1];
        let series = SERIES[1..]
            .iter()
            .fold(SERIES[0], |sum, next| sum * rest + next);
        let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()));
        (series * rest * rest + rest + 1.0) * power
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn ln(self) -> Self {
        self.ln()
    }

    #[inline(always)]
    fn round(self) -> Self {
        self.round_ties_even()
    }

    /// By formula 7.1.26 of Abramowitz & Stegun, whose error is below 1.5e-7.
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        const SERIES: [f32; 5] = [
            1.061_405_4,
            -1.453_152,
            1.421_413_7,
            -0.284_496_74,
            0.254_829_6,
        ];
        let density = Float::exp(-0.5 * self * self);
        let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * self.abs());
        let series = SERIES[1..]
            .iter()
            .fold(SERIES[0], |sum, next| sum * t + next);
        let tail = 0.5 * series * t * density;
        (if self < 0.0 { tail } else { 1.0 - tail }, density)
    }
}

impl Float for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn ln(self) -> Self {
        self.ln()
    }

    #[inline(always)]
    fn round(self) -> Self {
        self.round_ties_even()
    }

    /// By a series of terms of one sign (Marsaglia 2004, "Evaluating the Normal Distribution").
    fn normal(self) -> (Self, Self) {
        let density = f64::exp(-0.5 * self * self);
        // The tails beyond are less than the last digit of 1, and NaN stays.
        let inside = self.clamp(-9.0, 9.0);
        if inside.is_nan() {
            return (inside, inside);
        }
        let (mut term, mut sum, mut odd) = (inside, 0.0, 1.0);
        while sum + term != sum {
            sum += term;
            odd += 2.0;
            term *= inside * inside / odd;
        }
        let at = f64::exp(-0.5 * inside * inside) / (2.0 * std::f64::consts::PI).sqrt();
        (0.5 + sum * at, density)
    }
}

/// `length` elements that `write` writes. Zeroing them first would be a second pass over the memory,
/// by one thread.
///
/// # Safety
/// `write` writes every element.
pub(super) unsafe fn vec_written_by<T: Float>(
    length: usize,
    write: impl FnOnce(&mut [MaybeUninit<T>]),
) -> Vec<T> {
    let mut all = Vec::with_capacity(length);
    write(&mut all.spare_capacity_mut()[..length]);
    // SAFETY: they are within the capacity, and written, as the caller promises.
    unsafe { all.set_len(length) };
    all
}
