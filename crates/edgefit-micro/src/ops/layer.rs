//! [`Layer`]: how the sums of a weighted op become bytes.

use crate::fixed_point::Multiplier;

/// How the sums of products of a weighted op become bytes, channel by channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Layer {
    /// Integer that stands for 0 in the input.
    pub input_zero_point: i8,
    /// Integer that stands for 0 in the output.
    pub output_zero_point: i8,
    /// One for each output channel, in units of the product of both scales.
    pub bias: Vec<i32>,
    /// One for each output channel: input scale · weight scale / output scale.
    pub multipliers: Vec<Multiplier>,
    /// Smallest and largest result: those of a fused activation.
    pub limits: [i8; 2],
}

impl Layer {
    /// The byte of `channel` for the sum of products `sum`.
    pub(super) fn finish(&self, channel: usize, sum: i32) -> i8 {
        let scaled = self.multipliers[channel].apply(sum + self.bias[channel]);
        clamp(scaled, self.output_zero_point, self.limits)
    }

    /// Bytes of bias and multipliers: two words and a shift for each channel.
    pub(super) fn constant_bytes(&self) -> u64 {
        9 * self.bias.len() as u64
    }
}

/// `scaled` above the zero point, within `limits`.
pub(super) fn clamp(scaled: i32, zero_point: i8, limits: [i8; 2]) -> i8 {
    let [low, high] = limits.map(i32::from);
    scaled.saturating_add(zero_point.into()).max(low).min(high) as i8
}
