//! Fixed-point arithmetic of TFLite's kernels: numbers times a real factor, in integers alone.
//!
//! Jacob et al. 2018, arXiv 1712.05877, section 2.2; the roundings are those of gemmlowp and of
//! `MultiplyByQuantizedMultiplier` in TensorFlow's `kernels/internal/common.h`.

/// A positive real factor as a mantissa of 31 bits and a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Multiplier {
    /// 2³⁰ to 2³¹ − 1, or 0; of one that was divided, from 2²⁹.
    pub mantissa: i32,
    /// The factor is mantissa · 2^(shift − 31); −31 to 30.
    pub shift: i32,
}

impl Multiplier {
    /// That of a `factor`, as `QuantizeMultiplier` makes it.
    ///
    /// ```
    /// use edgefit_micro::Multiplier;
    ///
    /// let half = Multiplier::of(0.5);
    /// assert_eq!((half.mantissa, half.shift), (1 << 30, 0));
    /// assert_eq!([3, -3, 1000].map(|x| half.apply(x)), [2, -1, 500]);
    /// ```
    pub fn of(factor: f64) -> Self {
        let zero = Multiplier {
            mantissa: 0,
            shift: 0,
        };
        if !(factor > 0.0 && factor.is_finite()) {
            return zero;
        }
        let mut shift = exponent(factor);
        let mut mantissa = (factor * 2f64.powi(31 - shift)).round() as i64;
        if mantissa == 1 << 31 {
            mantissa /= 2;
            shift += 1;
        }
        match shift {
            ..-31 => zero,
            31.. => Multiplier {
                mantissa: i32::MAX,
                shift: 30,
            },
            _ => Multiplier {
                mantissa: i32::try_from(mantissa).unwrap_or(i32::MAX),
                shift,
            },
        }
    }

    /// The factor divided by `count`, which is not 0, as `QuantizedMeanOrSum` folds it into a mean.
    #[must_use]
    pub fn over(self, count: u32) -> Self {
        let shift = (count.ilog2() as i32).min(31 + self.shift);
        let mantissa = (i64::from(self.mantissa) << shift) / i64::from(count);
        Multiplier {
            mantissa: mantissa as i32,
            shift: self.shift - shift,
        }
    }

    /// `x` times the factor, rounded twice: `MultiplyByQuantizedMultiplier`. Where `x` shifted to the left
    /// leaves 32 bits, which TFLite leaves undefined, that saturates.
    pub fn apply(self, x: i32) -> i32 {
        let shifted = i64::from(x) << self.shift.max(0);
        let shifted = shifted.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        divide_by_power(
            high_product(shifted, self.mantissa),
            self.shift.min(0).unsigned_abs(),
        )
    }
}

/// The power of two `e` with `factor` = m · 2^e and m in 1/2 … 1, as C's `frexp` has it.
fn exponent(factor: f64) -> i32 {
    let mut exponent = factor.log2().floor() as i32 + 1;
    // The logarithm may be off by one beside a power of two.
    while factor * 2f64.powi(-exponent) >= 1.0 {
        exponent += 1;
    }
    while factor * 2f64.powi(-exponent) < 0.5 {
        exponent -= 1;
    }
    exponent
}

/// The upper half of twice the product, rounded: `SaturatingRoundingDoublingHighMul`.
pub fn high_product(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    // gemmlowp adds 2³⁰ or 1 − 2³⁰ and divides towards zero, which is this.
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `x / 2^exponent`, rounded to the nearest, halves away from zero: `RoundingDivideByPOT`.
pub fn divide_by_power(x: i32, exponent: u32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from((x & mask) > threshold)
}

/// `x · 2^exponent`, saturated: `SaturatingRoundingMultiplyByPOT` for a positive exponent.
pub fn shift_left(x: i32, exponent: u32) -> i32 {
    (i64::from(x) << exponent).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As gemmlowp writes it.
    fn doubling_high_mul(a: i32, b: i32) -> i32 {
        if a == b && a == i32::MIN {
            return i32::MAX;
        }
        let product = i64::from(a) * i64::from(b);
        let nudge = if product >= 0 {
            1 << 30
        } else {
            1 - (1i64 << 30)
        };
        ((product + nudge) / (1i64 << 31)) as i32
    }

    #[test]
    fn products_round_as_in_gemmlowp() {
        let edges = [0, 1, 2, 3, (1 << 30) - 1, 1 << 30, (1 << 30) + 1, i32::MAX];
        let mut all: Vec<i32> = edges.into_iter().flat_map(|x| [x, -x]).collect();
        all.push(i32::MIN);
        let mut state = 1u32;
        for _ in 0..200 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            all.push(state as i32);
        }
        for &a in &all {
            for &b in &all {
                assert_eq!(high_product(a, b), doubling_high_mul(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn halves_go_away_from_zero() {
        let halves = [5, -5, 3, -3, 1, -1].map(|x| divide_by_power(x, 1));
        assert_eq!(halves, [3, -3, 2, -2, 1, -1]);
        assert_eq!(divide_by_power(i32::MIN, 31), -1);
        assert_eq!(divide_by_power(i32::MAX, 31), 1);
        assert_eq!(divide_by_power(-7, 0), -7);
    }

    #[test]
    fn factors_are_near_their_multipliers() {
        for factor in [
            1e-9,
            0.000_123,
            0.25,
            0.5,
            0.999_999_999_9,
            1.0,
            3.7,
            1000.0,
        ] {
            let multiplier = Multiplier::of(factor);
            let made = f64::from(multiplier.mantissa) * 2f64.powi(multiplier.shift - 31);
            assert!(
                (made / factor - 1.0).abs() < 1e-9,
                "{factor} {multiplier:?}"
            );
            assert!(multiplier.mantissa >= 1 << 30);
        }
        let third = Multiplier::of(0.7).over(3);
        let made = f64::from(third.mantissa) * 2f64.powi(third.shift - 31);
        assert!((made / (0.7 / 3.0) - 1.0).abs() < 1e-8, "{third:?}");
        assert_eq!(Multiplier::of(0.7).over(1), Multiplier::of(0.7));
        for nothing in [0.0, -1.0, 1e-30, f64::NAN, f64::INFINITY] {
            assert_eq!(Multiplier::of(nothing).apply(1 << 20), 0);
        }
        assert_eq!(Multiplier::of(1e30).apply(1), 1 << 30);
    }

    #[test]
    fn what_leaves_32_bits_saturates() {
        // The mantissa of 4 is a half of 8.
        assert_eq!(Multiplier::of(4.0).apply(i32::MAX), 1 << 30);
        assert_eq!(Multiplier::of(4.0).apply(i32::MIN), -(1 << 30));
        assert_eq!(shift_left(1 << 30, 5), i32::MAX);
    }
}
