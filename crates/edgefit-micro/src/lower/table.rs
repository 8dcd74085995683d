//! Functions of one element as tables of 256 bytes.

use crate::ops::Op;
use crate::program::Quantization;

/// The integers of `to` for `function` of each integer of `from`, as `LUTPopulate` fills it: rounded, halves
/// away from zero.
pub(super) fn table(from: Quantization, to: Quantization, function: impl Fn(f64) -> f64) -> Op {
    let entry = |integer: i8| {
        let made = function(from.dequantize(integer).into()) / f64::from(to.scale);
        // A cast saturates.
        (made.round() + f64::from(to.zero_point)) as i8
    };
    Op::Table((i8::MIN..=i8::MAX).map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_rounds_and_saturates() {
        let from = Quantization {
            scale: 0.1,
            zero_point: 0,
        };
        let to = Quantization {
            scale: 1.0 / 256.0,
            zero_point: -128,
        };
        let made = table(from, to, |x| 1.0 / (1.0 + (-x).exp()));
        let Op::Table(table) = made else { panic!() };
        assert_eq!([table[0], table[128], table[255]], [-128, 0, 127]);
    }
}
