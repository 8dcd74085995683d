//! The perceptual hash of an image.

use std::f32::consts::PI;

/// Side of the thumbnails that are compared, in pixels.
pub(super) const SIDE: usize = 32;

/// Lowest frequencies that are kept of each axis, the constant one left out.
const FREQUENCIES: usize = 8;

const COEFFICIENTS: usize = FREQUENCIES * FREQUENCIES;

/// The perceptual hash of a [`thumbnail`](crate::thumbnail) of 32 × 32 RGB pixels: for the 8 × 8
/// lowest frequencies of its brightness, whether the cosine transform there is above the median
/// (Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions, section 3.2.1).
///
/// Half of the bits are set, so two hashes differ in an even number of them. Of a flat image, the
/// bits are noise.
pub(super) fn perceptual_hash(pixels: &[u8]) -> u64 {
    let cosines: [[f32; SIDE]; FREQUENCIES] = std::array::from_fn(|frequency| {
        let step = PI / SIDE as f32 * (frequency + 1) as f32;
        std::array::from_fn(|index| (step * (index as f32 + 0.5)).cos())
    });
    let brightness: Vec<f32> = pixels.chunks_exact(3).map(luma).collect();
    let rows: Vec<[f32; FREQUENCIES]> = brightness
        .chunks_exact(SIDE)
        .map(|row| cosines.map(|wave| row.iter().zip(wave).map(|(value, cos)| value * cos).sum()))
        .collect();
    let coefficients: [f32; COEFFICIENTS] = std::array::from_fn(|index| {
        let (down, across) = (index / FREQUENCIES, index % FREQUENCIES);
        let terms = rows.iter().zip(cosines[down]);
        terms.map(|(row, cos)| row[across] * cos).sum()
    });
    let mut sorted = coefficients;
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[COEFFICIENTS / 2 - 1] + sorted[COEFFICIENTS / 2]) / 2.0;
    let above = coefficients.iter().map(|value| u64::from(*value > median));
    above.fold(0, |hash, bit| hash << 1 | bit)
}

/// Brightness of an RGB pixel (ITU-R BT.601), in 0 … 255.
fn luma(pixel: &[u8]) -> f32 {
    let weights = [0.299, 0.587, 0.114];
    let terms = pixel.iter().zip(weights);
    terms
        .map(|(value, weight)| f32::from(*value) * weight)
        .sum()
}
