//! Changes of brightness, contrast, saturation and sharpness.

use image::{Rgb, RgbImage};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::draw::between;

/// A change of colours; the factor 1 changes nothing.
pub(super) type Enhancement = fn(&mut RgbImage, f32);

/// Brightness, contrast and saturation, each by a factor in 1 ± strength, in random order, as
/// torchvision's ColorJitter.
pub(super) fn jitter(image: &mut RgbImage, strength: f32, rng: &mut ChaCha8Rng) {
    if strength == 0.0 {
        return;
    }
    let mut order: [Enhancement; 3] = [brightness, contrast, saturation];
    order.shuffle(rng);
    for enhance in order {
        enhance(image, between(rng, [1.0 - strength, 1.0 + strength]));
    }
}

/// Away from black.
pub(super) fn brightness(image: &mut RgbImage, factor: f32) {
    away_from(image, factor, |_, _, _| [0.0; 3]);
}

/// Away from the mean grey.
pub(super) fn contrast(image: &mut RgbImage, factor: f32) {
    let sum: f64 = image.pixels().map(|pixel| f64::from(luma(pixel))).sum();
    let mean = (sum / image.pixels().len() as f64) as f32;
    away_from(image, factor, |_, _, _| [mean; 3]);
}

/// Away from the grey of each pixel.
pub(super) fn saturation(image: &mut RgbImage, factor: f32) {
    away_from(image, factor, |_, _, pixel| [luma(pixel); 3]);
}

/// Away from the smoothed image; the outermost pixels stay, as in Pillow.
pub(super) fn sharpness(image: &mut RgbImage, factor: f32) {
    let original = image.clone();
    let (width, height) = image.dimensions();
    away_from(image, factor, |x, y, pixel| {
        if x == 0 || y == 0 || x + 1 == width || y + 1 == height {
            return pixel.0.map(f32::from);
        }
        smoothed(&original, x, y)
    });
}

/// The mean of a pixel and its neighbours, the pixel counting five times.
fn smoothed(image: &RgbImage, x: u32, y: u32) -> [f32; 3] {
    let mut sum = image.get_pixel(x, y).0.map(|value| 4.0 * f32::from(value));
    for row in y - 1..=y + 1 {
        for column in x - 1..=x + 1 {
            let neighbour = image.get_pixel(column, row);
            for (sum, value) in sum.iter_mut().zip(neighbour.0) {
                *sum += f32::from(value);
            }
        }
    }
    sum.map(|sum| sum / 13.0)
}

/// Moves every pixel away from (or, below the factor 1, towards) another colour.
fn away_from(image: &mut RgbImage, factor: f32, other: impl Fn(u32, u32, &Rgb<u8>) -> [f32; 3]) {
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let other = other(x, y, pixel);
        for (value, other) in pixel.0.iter_mut().zip(other) {
            // To the nearest; the conversion saturates at 0 and 255.
            *value = (other + (f32::from(*value) - other) * factor + 0.5) as u8;
        }
    }
}

/// Luma of ITU-R BT.601, as Pillow and torchvision turn colours to grey.
fn luma(pixel: &Rgb<u8>) -> f32 {
    let [red, green, blue] = pixel.0.map(f32::from);
    0.299 * red + 0.587 * green + 0.114 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(by: Enhancement, factor: f32) -> Vec<[u8; 3]> {
        let mut image = RgbImage::from_raw(2, 1, vec![100, 0, 0, 0, 100, 200]).unwrap();
        by(&mut image, factor);
        image.pixels().map(|pixel| pixel.0).collect()
    }

    #[test]
    fn each_moves_away_from_its_own_colour() {
        assert_eq!(changed(brightness, 2.0), [[200, 0, 0], [0, 200, 255]]);
        assert_eq!(changed(saturation, 0.0), [[30; 3], [82; 3]]);
        // The mean grey is (29.9 + 81.5) / 2.
        assert_eq!(changed(contrast, 0.0), [[56; 3]; 2]);
        assert_eq!(changed(contrast, 2.0), [[144, 0, 0], [0, 144, 255]]);
        for by in [brightness, contrast, saturation, sharpness] {
            assert_eq!(changed(by, 1.0), [[100, 0, 0], [0, 100, 200]]);
        }
    }

    #[test]
    fn sharpness_spreads_or_stresses_a_dot() {
        let mut dot = RgbImage::from_pixel(5, 5, Rgb([100; 3]));
        dot.put_pixel(2, 2, Rgb([165; 3]));
        for (factor, centre, neighbour) in [(0.0, 125, 105), (2.0, 205, 95)] {
            let mut image = dot.clone();
            sharpness(&mut image, factor);
            assert_eq!(image.get_pixel(2, 2).0, [centre; 3]);
            assert_eq!(image.get_pixel(1, 1).0, [neighbour; 3]);
            assert_eq!(image.get_pixel(0, 0).0, [100; 3]);
        }
    }
}
