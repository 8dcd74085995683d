//! Images as the input of a model: cropped, resized, normalised.

use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::{ChannelOrder, Fit, Layout};
use image::{Rgb, RgbImage};

use crate::resample::{CropBox, resample};

/// The model's input for one image: 3 × height × width values, channel by channel, or in whatever number
/// of channels and order the preprocessing asks for.
///
/// Resizing is bicubic and antialiased: the kernel grows with the reduction. Each value is Pillow's.
///
/// ```
/// use edgefit_data::{RgbImage, prepare};
/// use edgefit_graph::Preprocessing;
/// use edgefit_graph::preprocessing::PreprocessingName;
///
/// let image = RgbImage::from_pixel(50, 40, image::Rgb([255, 255, 0]));
/// let unit = Preprocessing::named(PreprocessingName::Unit, 2, 2);
/// let input = prepare(&image, &unit)?;
/// assert_eq!(input, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The image has no pixels or is to have none, as a sentence.
pub fn prepare(image: &RgbImage, preprocessing: &Preprocessing) -> Result<Vec<f32>, String> {
    Ok(normalised(&resized(image, preprocessing)?, preprocessing))
}

/// The part of the image that [`prepare`] keeps, at the size of the model's input.
///
/// # Errors
/// As [`prepare`].
pub fn resized(image: &RgbImage, preprocessing: &Preprocessing) -> Result<RgbImage, String> {
    let crop = crop_box(image, preprocessing);
    resize(image, preprocessing.width, preprocessing.height, crop)
}

/// The model's input for an image of its size, as [`prepare`] makes it.
pub fn normalised(image: &RgbImage, preprocessing: &Preprocessing) -> Vec<f32> {
    arranged(planes(image, preprocessing), preprocessing)
}

/// Pixels of the input's size as the values that the model reads, channel by channel.
pub(crate) fn planes(image: &RgbImage, preprocessing: &Preprocessing) -> Vec<f32> {
    let pixels = image.pixels().len();
    let mut input = vec![0f32; preprocessing.channels() * pixels];
    for (channel, plane) in input.chunks_exact_mut(pixels).enumerate() {
        match preprocessing.channel_order {
            ChannelOrder::Rgb => fill(plane, image, |pixel| pixel[channel]),
            ChannelOrder::Bgr => fill(plane, image, |pixel| pixel[2 - channel]),
            ChannelOrder::Grey => fill(plane, image, luma),
        }
        let (mean, std) = (preprocessing.mean[channel], preprocessing.std[channel]);
        for value in plane {
            *value = (*value - mean) / std;
        }
    }
    input
}

fn fill(plane: &mut [f32], image: &RgbImage, value: impl Fn(&Rgb<u8>) -> u8) {
    for (filled, pixel) in plane.iter_mut().zip(image.pixels()) {
        *filled = value(pixel).into();
    }
}

/// Values that lie channel by channel, in the layout that the model reads.
pub(crate) fn arranged(planes: Vec<f32>, preprocessing: &Preprocessing) -> Vec<f32> {
    let channels = preprocessing.channels();
    match preprocessing.layout {
        Layout::ChannelsLast if channels > 1 => {
            let pixels = planes.len() / channels;
            let pixel = |at: usize| (0..channels).map(move |channel| channel * pixels + at);
            (0..pixels).flat_map(pixel).map(|at| planes[at]).collect()
        }
        _ => planes,
    }
}

/// The luma of ITU-R BT.601, rounded as Pillow rounds it.
fn luma(pixel: &Rgb<u8>) -> u8 {
    let [red, green, blue] = pixel.0.map(u32::from);
    ((red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16) as u8
}

/// The whole image stretched to `side` × `side` RGB pixels, row by row: what baselines without a
/// network and the search for duplicates read.
///
/// # Errors
/// As [`prepare`].
pub fn thumbnail(image: &RgbImage, side: u32) -> Result<Vec<u8>, String> {
    resize(image, side, side, None).map(RgbImage::into_raw)
}

/// A [`thumbnail`] of `side` × `side` RGB pixels at half its side, which is even: the means of 2 × 2 pixels.
pub fn halved(thumbnail: &[u8], side: usize) -> Vec<u8> {
    let row = 3 * side;
    let rows = thumbnail
        .chunks_exact(2 * row)
        .map(|rows| rows.split_at(row));
    let blocks = rows.flat_map(|(top, bottom)| top.chunks_exact(6).zip(bottom.chunks_exact(6)));
    let means = blocks.flat_map(|(top, bottom)| {
        [0, 1, 2].map(|channel| {
            let values = [
                top[channel],
                top[channel + 3],
                bottom[channel],
                bottom[channel + 3],
            ];
            ((values.map(u16::from).iter().sum::<u16>() + 2) / 4) as u8
        })
    });
    means.collect()
}

/// The part of the image that is kept; `None` is everything.
pub(crate) fn crop_box(image: &RgbImage, preprocessing: &Preprocessing) -> Option<CropBox> {
    let Fit::Crop { fraction } = preprocessing.fit else {
        return None;
    };
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let (wanted_width, wanted_height) = (
        f64::from(preprocessing.width),
        f64::from(preprocessing.height),
    );
    let scale = fraction * (width / wanted_width).min(height / wanted_height);
    // Rounding may exceed the whole side.
    let kept_width = (wanted_width * scale).min(width);
    let kept_height = (wanted_height * scale).min(height);
    Some(CropBox {
        left: (width - kept_width) / 2.0,
        top: (height - kept_height) / 2.0,
        width: kept_width,
        height: kept_height,
    })
}

/// The part of the image that [`prepare`] keeps: left, top, width and height, as shares of its sides.
pub fn kept_area(image: &RgbImage, preprocessing: &Preprocessing) -> [f64; 4] {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    crop_box(image, preprocessing).map_or([0.0, 0.0, 1.0, 1.0], |kept| {
        [
            kept.left / width,
            kept.top / height,
            kept.width / width,
            kept.height / height,
        ]
    })
}

pub(crate) fn resize(
    image: &RgbImage,
    width: u32,
    height: u32,
    crop: Option<CropBox>,
) -> Result<RgbImage, String> {
    if [image.width(), image.height(), width, height].contains(&0) {
        return Err("has no pixels, or is to have none".into());
    }
    let all = CropBox {
        left: 0.0,
        top: 0.0,
        width: image.width().into(),
        height: image.height().into(),
    };
    let area = crop.unwrap_or(all);
    if area == all && image.dimensions() == (width, height) {
        return Ok(image.clone());
    }
    Ok(resample(image, width, height, area))
}

#[cfg(test)]
mod tests {
    use edgefit_graph::preprocessing::PreprocessingName;

    use super::*;

    #[test]
    fn values_are_centred_scaled_and_in_planes() {
        let image = RgbImage::from_pixel(50, 32, Rgb([127, 255, 0]));
        let mut lite = Preprocessing::named(PreprocessingName::Lite, 4, 4);
        let input = prepare(&image, &lite).unwrap();
        assert_eq!(input.len(), 48);
        let expected = [0.0, 128.0 / 128.0, -127.0 / 128.0];
        for (plane, expected) in input.chunks(16).zip(expected) {
            assert!(plane.iter().all(|value| *value == expected), "{plane:?}");
        }
        lite.channel_order = ChannelOrder::Bgr;
        assert_eq!(prepare(&image, &lite).unwrap()[0], -127.0 / 128.0);
    }

    #[test]
    fn channels_last_and_grey_hold_the_same_pixels() {
        let image = RgbImage::from_fn(4, 4, |x, y| Rgb([10 * x as u8, 20 * y as u8, 200]));
        let mut raw = Preprocessing::named(PreprocessingName::Raw, 4, 4);
        raw.fit = Fit::Stretch;
        let planes = prepare(&image, &raw).unwrap();
        raw.layout = Layout::ChannelsLast;
        let pixels = prepare(&image, &raw).unwrap();
        let expected: Vec<f32> = image.as_raw().iter().copied().map(f32::from).collect();
        assert_eq!(pixels, expected);
        assert_eq!(
            planes[..16],
            *pixels.iter().step_by(3).copied().collect::<Vec<_>>()
        );

        // Whole numbers, for models that read bytes; 76 as Pillow's convert("L") makes of pure red.
        raw.channel_order = ChannelOrder::Grey;
        let red = RgbImage::from_pixel(4, 4, Rgb([255, 0, 0]));
        assert_eq!(prepare(&red, &raw).unwrap(), [76.0; 16]);
    }

    #[test]
    fn cropping_keeps_the_centre_and_stretching_everything() {
        // Black, with a white column at each end of the longer side.
        let mut image = RgbImage::new(90, 30);
        for y in 0..30 {
            for x in (0..30).chain(60..90) {
                image.put_pixel(x, y, Rgb([255; 3]));
            }
        }
        let mut raw = Preprocessing::named(PreprocessingName::Raw, 10, 10);
        raw.fit = Fit::Crop { fraction: 0.9 };
        assert!(
            prepare(&image, &raw)
                .unwrap()
                .iter()
                .all(|value| *value < 1.0)
        );
        raw.fit = Fit::Stretch;
        let stretched = prepare(&image, &raw).unwrap();
        assert!(stretched[0] > 250.0 && stretched[9] > 250.0 && stretched[5] < 5.0);
    }

    #[test]
    fn a_crop_of_everything_is_never_larger_than_the_image() {
        let mut raw = Preprocessing::named(PreprocessingName::Raw, 49, 49);
        raw.fit = Fit::Crop { fraction: 1.0 };
        for side in 1..400 {
            let image = RgbImage::new(side, side);
            assert!(prepare(&image, &raw).is_ok(), "{side}");
        }
    }
}
