//! The largest sums that an integer kernel can meet in its registers.

use serde::Serialize;

/// How a kernel adds up products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Over the values that a row of weights meets: dense and grouped convolutions, matrix products.
    Shared,
    /// Over the window of one channel: depthwise convolutions.
    Depthwise,
}

/// Integer weights with all that decides how large their sums of products can become.
#[derive(Debug, Clone)]
pub struct Accumulation<'a> {
    /// The weights of each output channel. Of a convolution the input channels of one position come first,
    /// then those of the next, as kernels read them.
    pub rows: &'a [Vec<i64>],
    /// What is subtracted of each weight; one for each row, or none where it is 0.
    pub weight_zero_points: &'a [i64],
    /// Smallest and largest integer of the activation.
    pub input: (i64, i64),
    /// What is subtracted of each integer of the activation.
    pub input_zero_point: i64,
    /// One for each row, in units of the accumulator; empty without.
    pub bias: &'a [i64],
    /// How products are added up.
    pub reduction: Reduction,
}

/// The largest sums that can come about, whatever the activation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Largest magnitude of an accumulator, bias included, at any time of the sum and in any order of it.
    pub accumulator: u64,
    /// Smallest and largest sum of two neighbouring products of an 8-bit weight and an activation without
    /// sign: what VPMADDUBSW keeps in 16 bits. Both 0 where no kernel adds up so.
    pub pair: [i64; 2],
    /// The same over any two weights of a row, whatever the order that a kernel reads them in.
    pub any_pair: [i64; 2],
}

impl Bounds {
    /// Those of no weights.
    pub const NONE: Bounds = Bounds {
        accumulator: 0,
        pair: [0, 0],
        any_pair: [0, 0],
    };

    /// The bounds of two layers, or of two parts of one, together.
    #[must_use]
    pub fn widened(mut self, other: Bounds) -> Self {
        self.accumulator = self.accumulator.max(other.accumulator);
        widen(&mut self.pair, other.pair);
        widen(&mut self.any_pair, other.any_pair);
        self
    }

    /// Whether a 32-bit accumulator holds every sum.
    pub fn fits_accumulator(&self) -> bool {
        self.accumulator <= i32::MAX as u64
    }

    /// Whether VPMADDUBSW never saturates in the kernels of ONNX Runtime; see [`Accumulation::bounds`].
    pub fn fits_pairs(&self) -> bool {
        within_16_bits(self.pair)
    }

    /// Whether it never does in any kernel, in whatever order that reads the weights.
    pub fn fits_any_pair(&self) -> bool {
        within_16_bits(self.any_pair)
    }
}

fn within_16_bits([low, high]: [i64; 2]) -> bool {
    low >= i16::MIN.into() && high <= i16::MAX.into()
}

/// Largest integer of an activation once it has no sign.
const MOST_UNSIGNED: i64 = u8::MAX as i64;

impl Accumulation<'_> {
    /// The bounds.
    ///
    /// The accumulator is bounded by the sums of all products that can be positive and of all that can be
    /// negative. They bound every partial sum too, also where a kernel adds up the integers themselves and
    /// begins with the bias less the zero point times the sum of the weights, as MLAS does: that start is
    /// the sum for an activation of zeros.
    ///
    /// On x86 without VNNI, MLAS multiplies u8 activations with s8 weights by VPMADDUBSW, which adds two
    /// neighbouring products in 16 bits and saturates (`QgemmU8S8KernelAvx2.S`, its AVX-512 core twin, and
    /// `ConvSymKernelAvx2.S`, whose input channels come in fours). s8 activations become u8 when the session is
    /// made (`qdq_s8_to_u8.cc`). The neighbours are the weights 2j and 2j + 1 of a row, with the input
    /// channels innermost (`QLinearConv::ReorderFilter`). Products are at least 0 and at most 255 times the
    /// weight, so the sum of a pair lies between 255 times its negative and 255 times its positive weights:
    /// two weights of one sign are safe where their magnitudes add up to 128. With VNNI (`VPDPBUSDS`) and on
    /// ARM (`SDOT`, `UDOT`) four products go into 32 bits. Depthwise kernels widen to 16 bits before they
    /// multiply, with and without VNNI (`qdwconv_avx2.cpp`, `ConvSymKernelAvx2.S`).
    ///
    /// ```
    /// use edgefit_graph::quantized::{Accumulation, Reduction};
    ///
    /// let rows = [vec![100, -90, 50, 20], vec![64, 64, 1, 1]];
    /// let layer = Accumulation {
    ///     rows: &rows,
    ///     weight_zero_points: &[],
    ///     input: (0, 255),
    ///     input_zero_point: 0,
    ///     bias: &[1000, 0],
    ///     reduction: Reduction::Shared,
    /// };
    /// let bounds = layer.bounds();
    /// assert_eq!(bounds.accumulator, 1000 + 170 * 255);
    /// assert_eq!(bounds.pair, [-90 * 255, 128 * 255]);
    /// assert!(bounds.fits_pairs());
    /// // In another order 100 could meet 50.
    /// assert!(!bounds.fits_any_pair());
    /// ```
    pub fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::NONE;
        for (index, row) in self.rows.iter().enumerate() {
            let zero = self.weight_zero_points.get(index).copied().unwrap_or(0);
            let bias = self.bias.get(index).copied().unwrap_or(0);
            let largest = self.accumulator(row, zero, bias);
            bounds.accumulator = bounds.accumulator.max(largest);
            if self.reduction == Reduction::Shared {
                widen(&mut bounds.pair, neighbours(row));
                widen(&mut bounds.any_pair, extremes(row));
            }
        }
        bounds
    }

    fn accumulator(&self, row: &[i64], zero: i64, bias: i64) -> u64 {
        let ends = [self.input.0, self.input.1].map(|end| end - self.input_zero_point);
        let (mut low, mut high) = (i128::from(bias), i128::from(bias));
        for weight in row {
            let products = ends.map(|end| i128::from(end) * i128::from(weight - zero));
            low += products[0].min(products[1]).min(0);
            high += products[0].max(products[1]).max(0);
        }
        let largest = low.unsigned_abs().max(high.unsigned_abs());
        u64::try_from(largest).unwrap_or(u64::MAX)
    }
}

fn widen(pair: &mut [i64; 2], [low, high]: [i64; 2]) {
    *pair = [pair[0].min(low), pair[1].max(high)];
}

/// Smallest and largest sum over the neighbours of a row.
fn neighbours(row: &[i64]) -> [i64; 2] {
    let mut widest = [0, 0];
    for pair in row.chunks(2) {
        widen(&mut widest, sums(pair));
    }
    widest
}

/// The same of its two largest and of its two smallest weights.
fn extremes(row: &[i64]) -> [i64; 2] {
    let mut sorted = row.to_vec();
    sorted.sort_unstable();
    let two = sorted.len().min(2);
    let low = sums(&sorted[..two])[0];
    [low, sums(&sorted[sorted.len() - two..])[1]]
}

fn sums(weights: &[i64]) -> [i64; 2] {
    let of = |part: fn(i64) -> i64| -> i64 {
        let parts = weights.iter().map(|&weight| part(weight) * MOST_UNSIGNED);
        parts.sum()
    };
    [of(|weight| weight.min(0)), of(|weight| weight.max(0))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(rows: &[Vec<i64>], reduction: Reduction) -> Accumulation<'_> {
        Accumulation {
            rows,
            weight_zero_points: &[],
            input: (-128, 127),
            input_zero_point: -128,
            bias: &[],
            reduction,
        }
    }

    #[test]
    fn two_weights_of_one_sign_saturate_above_128() {
        let pair = |a, b| {
            layer(&[vec![a, b]], Reduction::Shared)
                .bounds()
                .fits_pairs()
        };
        assert!(pair(64, 64) && pair(-64, -64) && pair(127, -127) && pair(127, 1));
        assert!(!pair(65, 64) && !pair(-100, -29));
        let rows = [vec![127, 0, 127, 0]];
        let bounds = layer(&rows, Reduction::Shared).bounds();
        assert!(bounds.fits_pairs() && !bounds.fits_any_pair());
        let bounds = layer(&rows, Reduction::Depthwise).bounds();
        assert!(bounds.fits_any_pair());
        assert_eq!(bounds.accumulator, 2 * 127 * 255);
        // The last of an odd number has no neighbour.
        assert!(
            layer(&[vec![1, 1, 127]], Reduction::Shared)
                .bounds()
                .fits_pairs()
        );
    }

    #[test]
    fn a_bias_or_many_products_exceed_the_accumulator() {
        let rows = [vec![127; 66_400]];
        assert!(!layer(&rows, Reduction::Shared).bounds().fits_accumulator());
        let rows = [vec![1, -1]];
        let bias = [i64::from(i32::MAX) - 200];
        let mut small = layer(&rows, Reduction::Shared);
        small.bias = &bias;
        assert!(!small.bounds().fits_accumulator());
        let bias = [i64::from(i32::MAX) - 255];
        small.bias = &bias;
        assert!(small.bounds().fits_accumulator());
    }

    #[test]
    fn zero_points_of_weights_are_taken_off() {
        let rows = [vec![128, 130]];
        let layer = Accumulation {
            weight_zero_points: &[128],
            input: (0, 255),
            input_zero_point: 100,
            ..layer(&rows, Reduction::Shared)
        };
        assert_eq!(layer.bounds().accumulator, 2 * 155);
    }
}
