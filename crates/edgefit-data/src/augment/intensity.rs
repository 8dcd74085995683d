//! Maps of each pixel's values: contrast, equalisation, posterisation, solarisation.

use image::RgbImage;

/// Every channel stretched over 0 … 255.
pub(super) fn auto_contrast(image: &mut RgbImage) {
    by_histogram(image, |counts| {
        let darkest = counts.iter().position(|count| *count > 0)?;
        let brightest = counts.iter().rposition(|count| *count > 0)?;
        let range = brightest.checked_sub(darkest).filter(|range| *range > 0)?;
        let stretched = |value: usize| (value.saturating_sub(darkest) * 255 / range).min(255);
        Some(std::array::from_fn(|value| stretched(value) as u8))
    });
}

/// Every channel's values spread so that each is equally frequent, as Pillow's `equalize`.
pub(super) fn equalize(image: &mut RgbImage) {
    by_histogram(image, |counts| {
        let brightest = counts.iter().rfind(|count| **count > 0)?;
        let step = (counts.iter().sum::<usize>() - brightest) / 255;
        if step == 0 {
            return None;
        }
        let mut seen = step / 2;
        Some(counts.map(|count| {
            let value = (seen / step).min(255) as u8;
            seen += count;
            value
        }))
    });
}

/// Only the highest bits of every value are kept.
pub(super) fn posterize(image: &mut RgbImage, bits: u32) {
    let mask = 255u8.checked_shl(8 - bits.min(8)).unwrap_or(0);
    image.iter_mut().for_each(|value| *value &= mask);
}

/// Values at the threshold or above are inverted.
pub(super) fn solarize(image: &mut RgbImage, threshold: f32) {
    for value in image.iter_mut().filter(|v| f32::from(**v) >= threshold) {
        *value = 255 - *value;
    }
}

/// Replaces the values of each channel by a table made from their counts, if there is one.
fn by_histogram(image: &mut RgbImage, table: impl Fn([usize; 256]) -> Option<[u8; 256]>) {
    for channel in 0..3 {
        let mut counts = [0; 256];
        for pixel in image.pixels() {
            counts[usize::from(pixel[channel])] += 1;
        }
        let Some(table) = table(counts) else { continue };
        for pixel in image.pixels_mut() {
            pixel[channel] = table[usize::from(pixel[channel])];
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn reds(values: &[u8], by: impl Fn(&mut RgbImage)) -> Vec<u8> {
        let mut image = RgbImage::from_fn(values.len() as u32, 1, |x, _| {
            Rgb([values[x as usize], 9, 9])
        });
        by(&mut image);
        image.pixels().map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn auto_contrast_stretches_and_leaves_one_colour_alone() {
        assert_eq!(reds(&[50, 75, 100], auto_contrast), [0, 127, 255]);
        assert_eq!(reds(&[50, 50], auto_contrast), [50, 50]);
    }

    #[test]
    fn equalize_makes_values_equally_frequent() {
        // Values crowded into 0 … 9 reach over the whole range.
        let crowded: Vec<u8> = (0..100_000).map(|index| (index / 10_000) as u8).collect();
        let spread = reds(&crowded, equalize);
        assert_eq!((spread[0], spread[99_999]), (0, 255));
        assert!(spread.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!((138..146).contains(&spread[50_000]), "{}", spread[50_000]);
        assert_eq!(reds(&[1, 2], equalize), [1, 2]);
    }

    #[test]
    fn bits_are_dropped_and_bright_values_inverted() {
        let values = [0, 100, 128, 255];
        let solarized = reds(&values, |image| solarize(image, 128.0));
        assert_eq!(solarized, [0, 100, 127, 0]);
        for (bits, expected) in [(8, values), (4, [0, 96, 128, 240]), (0, [0; 4])] {
            assert_eq!(reds(&values, |image| posterize(image, bits)), expected);
        }
    }
}
