//! Softmax in integers: `reference_ops::Softmax` for int8, with gemmlowp's exponential and reciprocal.

use crate::fixed_point::{Multiplier, divide_by_power, high_product, shift_left};

/// Bits before the point of a difference to the largest logit.
const DIFFERENCE_BITS: u32 = 5;

/// Bits before the point of the sum of exponentials.
const SUM_BITS: u32 = 12;

/// Widest row whose sum of exponentials fits 32 bits.
pub(crate) const WIDEST_ROW: usize = (1 << SUM_BITS) - 1;

/// Exponentials divided by their sum, with the scale 1/256 and the zero point −128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax {
    /// Number of rows.
    pub rows: usize,
    /// Elements of a row.
    pub width: usize,
    /// Scales differences of inputs to [`DIFFERENCE_BITS`] before the point.
    pub multiplier: Multiplier,
    /// Inputs further below the largest than this count as 0; negative.
    pub least_difference: i32,
}

impl Softmax {
    /// That of inputs with the scale `scale`: `PreprocessSoftmaxScaling` and `CalculateInputRadius`.
    pub fn new(rows: usize, width: usize, scale: f32) -> Self {
        let factor = f64::from(scale) * f64::from(1u32 << (31 - DIFFERENCE_BITS));
        let multiplier = Multiplier::of(factor.min(f64::from(i32::MAX)));
        let largest = f64::from((1u32 << DIFFERENCE_BITS) - 1);
        let radius = largest * 2f64.powi(31 - DIFFERENCE_BITS as i32 - multiplier.shift);
        Softmax {
            rows,
            width,
            multiplier,
            least_difference: -(radius.floor().min(255.0) as i32),
        }
    }

    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let rows = input.chunks_exact(self.width);
        for (row, results) in rows.zip(output.chunks_exact_mut(self.width)) {
            let largest = row.iter().copied().max().map_or(0, i32::from);
            let scaled = |byte: i8| {
                let difference = i32::from(byte) - largest;
                (difference >= self.least_difference)
                    .then(|| exponential(self.multiplier.apply(difference)))
            };
            let exponentials = row.iter().filter_map(|&byte| scaled(byte));
            let sum: i32 = exponentials.map(|e| divide_by_power(e, SUM_BITS)).sum();
            let zeros = sum.leading_zeros();
            let share = ((sum as u32) << zeros).wrapping_sub(1 << 31) as i32;
            let reciprocal = one_over_one_plus(share);
            // Bits over one, and the 23 that lead from 31 bits behind the point to 8.
            let shift = SUM_BITS - zeros.min(SUM_BITS) + 31 - 8;
            for (&byte, result) in row.iter().zip(results) {
                // Among so many that 32 bits or more go, none has half a step.
                let scaled = scaled(byte).filter(|_| shift < 32);
                *result = scaled.map_or(i8::MIN, |exponential| {
                    let share = divide_by_power(high_product(reciprocal, exponential), shift);
                    (share - 128).clamp(-128, 127) as i8
                });
            }
        }
    }
}

/// eˣ for x ≤ 0 with 26 bits behind the point; 31 behind that of the result: `exp_on_negative_values`.
fn exponential(x: i32) -> i32 {
    const FACTORS: [(u32, i32); 7] = [
        (24, 1_672_461_947),
        (25, 1_302_514_674),
        (26, 790_015_084),
        (27, 290_630_308),
        (28, 39_332_535),
        (29, 720_401),
        (30, 242),
    ];
    if x == 0 {
        return i32::MAX;
    }
    const QUARTER: i32 = 1 << 24;
    let within = (x & (QUARTER - 1)) - QUARTER;
    let mut result = exponential_near_zero(shift_left(within, DIFFERENCE_BITS));
    let remainder = within.wrapping_sub(x);
    for (bit, factor) in FACTORS {
        if remainder & (1 << bit) != 0 {
            result = high_product(result, factor);
        }
    }
    result
}

/// eˣ for −1/4 ≤ x < 0, by its series around −1/8.
fn exponential_near_zero(x: i32) -> i32 {
    const AT_EIGHTH: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = x + (1 << 28);
    let x2 = high_product(x, x);
    let x3 = high_product(x2, x);
    let x4 = high_product(x2, x2);
    let tail = high_product(divide_by_power(x4, 2) + x3, THIRD) + x2;
    AT_EIGHTH + high_product(AT_EIGHTH, x + divide_by_power(tail, 1))
}

/// 1 / (1 + x) for 0 ≤ x < 1, by Newton's method: `one_over_one_plus_x_for_x_in_0_1`.
fn one_over_one_plus(x: i32) -> i32 {
    const ONE: i32 = 1 << 29;
    let sum = i64::from(x) + i64::from(i32::MAX);
    let half = ((sum + 1) / 2) as i32;
    let mut y = 1_515_870_810 + high_product(half, -1_010_580_540);
    for _ in 0..3 {
        let rest = ONE - high_product(half, y);
        y += shift_left(high_product(y, rest), 2);
    }
    shift_left(y, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_and_reciprocals_are_near() {
        for tenths in 1..300 {
            let x = -f64::from(tenths) / 10.0;
            let made = f64::from(exponential((x * f64::from(1 << 26)) as i32)) / 2f64.powi(31);
            assert!((made - x.exp()).abs() < 1e-6, "{x} {made}");
        }
        for step in 0..1000 {
            let x = f64::from(step) / 1000.0;
            let made = f64::from(one_over_one_plus((x * 2f64.powi(31)) as i32)) / 2f64.powi(31);
            assert!((made - 1.0 / (1.0 + x)).abs() < 1e-6, "{x} {made}");
        }
    }

    #[test]
    fn a_row_is_within_a_step_of_the_floats() {
        for scale in [0.003, 0.05, 0.4, 7.0] {
            let row: Vec<i8> = (0..20).map(|at| (at * 13 - 128) as i8).collect();
            let mut made = vec![0; row.len()];
            Softmax::new(1, row.len(), scale).run(&row, &mut made);
            let exponents = row
                .iter()
                .map(|&byte| ((f64::from(byte) - 119.0) * f64::from(scale)).exp());
            let exponents: Vec<f64> = exponents.collect();
            let sum: f64 = exponents.iter().sum();
            for (made, exponent) in made.iter().zip(exponents) {
                let wanted = (256.0 * exponent / sum - 128.0).min(127.0);
                assert!(
                    (f64::from(*made) - wanted).abs() <= 1.0,
                    "{scale}: {made} {wanted}"
                );
            }
        }
    }
}
