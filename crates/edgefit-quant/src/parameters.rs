//! [`Parameters`]: scale and zero point of a quantised value, and the range that costs least.

use edgefit_graph::{DataType, Tensor};

use crate::histogram::Histogram;
use crate::scheme::{ActivationScheme, IntegerType, Scheme};

/// Shrink factors that are tried of a range.
const FACTORS: usize = 100;

/// Least share of a range that is kept.
const LEAST: f32 = 0.3;

/// Scale and zero point of a value: real = scale · (integer − zero point).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// The step between two integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i64,
    /// Type of the integers.
    pub dtype: IntegerType,
}

impl Parameters {
    /// Those that cover `low ≤ 0 ≤ high` in the scheme of activations; 0 is exact.
    pub fn of_range(low: f32, high: f32, scheme: &Scheme) -> Self {
        let ActivationScheme { dtype, symmetric } = scheme.activation;
        let (least, most) = dtype.limits();
        let (scale, zero_point) = if symmetric {
            let middle = (least + most + 1) / 2;
            (low.abs().max(high) / (most - middle) as f32, middle)
        } else {
            let scale = (high - low) / (most - least) as f32;
            let zero_point = least as f32 - low / scale.max(f32::MIN_POSITIVE);
            (
                scale,
                zero_point.round().clamp(least as f32, most as f32) as i64,
            )
        };
        // A value that is always 0 has any scale.
        let scale = if scale > f32::MIN_POSITIVE {
            scale
        } else {
            1.0
        };
        let scale = if scheme.power_of_two {
            next_power_of_two(scale)
        } else {
            scale
        };
        Parameters {
            scale,
            zero_point,
            dtype,
        }
    }

    /// Those within the range of `histogram` that have the least squared error over it: ranges are
    /// shrunk, one end after the other, as values beyond them cost more and steps within less (Nagel et
    /// al. 2021, arXiv 2106.08295, section 3.1).
    pub fn of_histogram(histogram: &Histogram, scheme: &Scheme) -> Self {
        let bins: Vec<(f32, u64)> = histogram.bins().collect();
        let (low, high) = histogram.range();
        let mut best = Parameters::of_range(low, high, scheme);
        let mut least = best.squared_error(&bins);
        let (mut best_low, mut best_high) = (low, high);
        let ends = if scheme.activation.symmetric { 1 } else { 2 };
        for end in 0..ends {
            let from = (best_low, best_high);
            for step in 1..=FACTORS {
                let factor = 1.0 - (1.0 - LEAST) * step as f32 / FACTORS as f32;
                let (low, high) = match (scheme.activation.symmetric, end) {
                    (true, _) => (from.0 * factor, from.1 * factor),
                    (false, 0) => (from.0, from.1 * factor),
                    (false, _) => (from.0 * factor, from.1),
                };
                let tried = Parameters::of_range(low, high, scheme);
                let error = tried.squared_error(&bins);
                if error < least {
                    (best, least) = (tried, error);
                    (best_low, best_high) = (low, high);
                }
            }
        }
        best
    }

    /// The integer for `value`: rounded to nearest, halves to the even one, saturated.
    pub fn quantize(&self, value: f32) -> i64 {
        let (least, most) = self.dtype.limits();
        let rounded = (value / self.scale).round_ties_even();
        // Saturates, as f32 to i64 does.
        (rounded as i64)
            .saturating_add(self.zero_point)
            .clamp(least, most)
    }

    /// What `integer` stands for.
    pub fn dequantize(&self, integer: i64) -> f32 {
        self.scale * (integer - self.zero_point) as f32
    }

    /// Largest value that is not saturated.
    pub fn highest(&self) -> f32 {
        self.dequantize(self.dtype.limits().1)
    }

    fn squared_error(&self, bins: &[(f32, u64)]) -> f64 {
        let error = |&(value, count): &(f32, u64)| {
            let off = f64::from(value - self.dequantize(self.quantize(value)));
            // Within a step a bin's middle may lie on an integer, its values do not.
            let rounding = f64::from(self.scale) * f64::from(self.scale) / 12.0;
            count as f64 * (off * off).max(rounding)
        };
        bins.iter().map(error).sum()
    }

    /// Scale and zero point as tensors of rank 0.
    pub(crate) fn tensors(&self) -> (Tensor, Tensor) {
        (
            Tensor::from_values(vec![], &[self.scale]),
            integer_tensor(self.dtype.data_type(), vec![], &[self.zero_point]),
        )
    }
}

/// The smallest power of two that is not below `scale`, which is above 0.
pub(crate) fn next_power_of_two(scale: f32) -> f32 {
    // Sign and exponent alone.
    let below = f32::from_bits(scale.to_bits() & 0xff80_0000);
    if below < scale { 2.0 * below } else { below }
}

/// Integers of an 8-bit or 32-bit type, which they have been clamped to.
pub(crate) fn integer_tensor(dtype: DataType, dims: Vec<usize>, values: &[i64]) -> Tensor {
    Tensor::from_i64(dtype, dims, values).expect("the type is one of integers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(name: &str) -> Scheme {
        Scheme::named(name).unwrap()
    }

    #[test]
    fn zero_is_exact_and_a_relu_costs_nothing() {
        let vnni = scheme("onnxruntime-x86-vnni");
        let parameters = Parameters::of_range(0.0, 6.0, &vnni);
        assert_eq!(parameters.zero_point, 0);
        assert!((parameters.highest() - 6.0).abs() < 1e-6);
        let both = Parameters::of_range(-1.3, 6.0, &vnni);
        assert_eq!(both.dequantize(both.quantize(0.0)), 0.0);
        assert_eq!(both.quantize(1e30), 255);
        assert_eq!(both.quantize(-1e30), 0);
    }

    #[test]
    fn powers_of_two_cover_the_range() {
        let esp = scheme("esp-dl");
        let parameters = Parameters::of_range(-1.0, 0.3, &esp);
        assert_eq!((parameters.scale, parameters.zero_point), (1.0 / 64.0, 0));
    }

    #[test]
    fn a_power_of_two_stays_what_it_is() {
        for (scale, power) in [(0.25, 0.25), (0.250_001, 0.5), (3.0, 4.0), (1.0, 1.0)] {
            assert_eq!(next_power_of_two(scale), power);
        }
    }

    #[test]
    fn an_outlier_is_cut_off() {
        let mut histogram = Histogram::default();
        let bulk: Vec<f32> = (0..100_000).map(|k| (k % 1000) as f32 / 1000.0).collect();
        histogram.add(&bulk);
        histogram.add(&[1.6]);
        let parameters = Parameters::of_histogram(&histogram, &scheme("onnxruntime-x86-vnni"));
        assert!(parameters.highest() < 1.5, "{parameters:?}");
    }
}
