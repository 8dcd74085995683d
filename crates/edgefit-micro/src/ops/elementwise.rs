//! Sums and products of two values: `reference_integer_ops::Add` and `Mul`.

use super::layer::clamp;
use crate::fixed_point::Multiplier;

/// Bits by which the operands of a sum are shifted before they are scaled, as in TFLite.
const SUM_SHIFT: u32 = 20;

/// Sizes of a result of four dimensions, and how far apart neighbours lie in each operand; 0 where it
/// is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Broadcast {
    pub dims: [usize; 4],
    pub strides: [[usize; 4]; 2],
}

/// The sum of two values.
#[derive(Debug, Clone, PartialEq)]
pub struct Add {
    /// Which elements meet.
    pub broadcast: Broadcast,
    /// Zero points of the operands.
    pub input_zero_points: [i8; 2],
    /// Factors of the operands: scale / (2 · the larger of both scales).
    pub input_multipliers: [Multiplier; 2],
    /// Factor of their sum: 2 · the larger of both scales / (2²⁰ · output scale).
    pub multiplier: Multiplier,
    /// Zero point of the result.
    pub output_zero_point: i8,
    /// Smallest and largest result.
    pub limits: [i8; 2],
}

/// The product of two values.
#[derive(Debug, Clone, PartialEq)]
pub struct Mul {
    /// Which elements meet.
    pub broadcast: Broadcast,
    /// Zero points of the operands.
    pub input_zero_points: [i8; 2],
    /// Factor of their product: scale · scale / output scale.
    pub multiplier: Multiplier,
    /// Zero point of the result.
    pub output_zero_point: i8,
    /// Smallest and largest result.
    pub limits: [i8; 2],
}

impl Broadcast {
    /// Calls `combine` with the elements that meet.
    fn each(&self, [a, b]: [&[i8]; 2], output: &mut [i8], combine: impl Fn(i8, i8) -> i8) {
        let [left, right] = self.strides;
        let mut results = output.iter_mut();
        for i in 0..self.dims[0] {
            for j in 0..self.dims[1] {
                for k in 0..self.dims[2] {
                    for l in 0..self.dims[3] {
                        let at = |strides: [usize; 4]| {
                            i * strides[0] + j * strides[1] + k * strides[2] + l * strides[3]
                        };
                        if let Some(result) = results.next() {
                            *result = combine(a[at(left)], b[at(right)]);
                        }
                    }
                }
            }
        }
    }
}

impl Add {
    pub(super) fn run(&self, a: &[i8], b: &[i8], output: &mut [i8]) {
        let scaled = |operand: usize, byte: i8| {
            let above = i32::from(byte) - i32::from(self.input_zero_points[operand]);
            self.input_multipliers[operand].apply(above << SUM_SHIFT)
        };
        self.broadcast.each([a, b], output, |a, b| {
            let sum = self.multiplier.apply(scaled(0, a) + scaled(1, b));
            clamp(sum, self.output_zero_point, self.limits)
        });
    }
}

impl Mul {
    pub(super) fn run(&self, a: &[i8], b: &[i8], output: &mut [i8]) {
        let [left, right] = self.input_zero_points.map(i32::from);
        self.broadcast.each([a, b], output, |a, b| {
            let product = (i32::from(a) - left) * (i32::from(b) - right);
            let scaled = self.multiplier.apply(product);
            clamp(scaled, self.output_zero_point, self.limits)
        });
    }
}
