//! A sheet of augmented views to look at.

use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::{ChannelOrder, Layout};
use image::RgbImage;
use image::codecs::png::PngEncoder;
use image::imageops::replace;

use super::{Augmentation, augmented, stream};
use crate::prepare::prepare;

/// Most pixels of a sheet.
const MAX_PIXELS: u64 = 1 << 26;

/// A sheet of images: one row for each image, the clean input first, then `columns` augmented
/// views, as the pixels that the model sees. (`columns` + 1) × width by images × height pixels.
///
/// # Errors
/// There is nothing to show, the sheet would be too large, or as [`augmented`], as a sentence.
pub fn preview(
    images: &[RgbImage],
    preprocessing: &Preprocessing,
    augmentation: &Augmentation,
    seed: u64,
    columns: u32,
) -> Result<RgbImage, String> {
    if images.is_empty() {
        return Err("there is no image to preview; give at least one".into());
    }
    let (width, height) = (preprocessing.width, preprocessing.height);
    let preprocessing = &Preprocessing {
        layout: Layout::ChannelsFirst,
        ..preprocessing.clone()
    };
    let (sheet_width, sheet_height) = sheet_size(preprocessing, images.len(), columns)?;
    let mut sheet = RgbImage::new(sheet_width, sheet_height);
    for (row, image) in images.iter().enumerate() {
        let mut paste = |column: u32, input: Vec<f32>| {
            let (x, y) = (i64::from(column * width), row as i64 * i64::from(height));
            replace(&mut sheet, &pixels(&input, preprocessing), x, y);
        };
        paste(0, prepare(image, preprocessing)?);
        for column in 1..=columns {
            let mut rng = stream(seed, column.into(), &row.to_string());
            paste(
                column,
                augmented(image, preprocessing, augmentation, &mut rng)?,
            );
        }
    }
    Ok(sheet)
}

/// The contents of a PNG file.
///
/// # Errors
/// The image has no pixels, as a sentence.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, String> {
    let mut file = std::io::Cursor::new(Vec::new());
    image
        .write_with_encoder(PngEncoder::new(&mut file))
        .map_err(|error| format!("cannot be written as PNG ({error})"))?;
    Ok(file.into_inner())
}

fn sheet_size(
    preprocessing: &Preprocessing,
    rows: usize,
    columns: u32,
) -> Result<(u32, u32), String> {
    let width = (u64::from(columns) + 1) * u64::from(preprocessing.width);
    let height = (rows as u64).saturating_mul(preprocessing.height.into());
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(wide), Ok(high)) if width.saturating_mul(height) <= MAX_PIXELS => Ok((wide, high)),
        _ => Err(format!(
            "a preview of {width} × {height} pixels is too large; show fewer images or views"
        )),
    }
}

/// A normalised input as the pixels that it came from.
fn pixels(input: &[f32], preprocessing: &Preprocessing) -> RgbImage {
    let mut image = RgbImage::new(preprocessing.width, preprocessing.height);
    let size = image.pixels().len();
    for (channel, plane) in input.chunks_exact(size).enumerate() {
        let (mean, std) = (preprocessing.mean[channel], preprocessing.std[channel]);
        for (pixel, value) in image.pixels_mut().zip(plane) {
            let value = (value * std + mean).round() as u8;
            match preprocessing.channel_order {
                ChannelOrder::Rgb => pixel[channel] = value,
                ChannelOrder::Bgr => pixel[2 - channel] = value,
                ChannelOrder::Grey => pixel.0 = [value; 3],
            }
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use edgefit_graph::preprocessing::{Fit, PreprocessingName};
    use image::Rgb;
    use image::imageops::crop_imm;

    use super::*;

    fn scene() -> RgbImage {
        RgbImage::from_fn(12, 8, |x, y| Rgb([x as u8 * 20, y as u8 * 30, 99]))
    }

    #[test]
    fn a_sheet_shows_the_clean_pixels_and_then_views() {
        for name in PreprocessingName::ALL {
            let mut preprocessing = Preprocessing::named(name, 12, 8);
            preprocessing.fit = Fit::Stretch;
            preprocessing.channel_order = ChannelOrder::Bgr;
            let images = [RgbImage::new(3, 3), scene()];
            let augmentation = Augmentation::default();
            let sheet = preview(&images, &preprocessing, &augmentation, 1, 4).unwrap();
            assert_eq!(sheet.dimensions(), (5 * 12, 2 * 8));
            let [clean, first, second] =
                [0, 12, 24].map(|x| crop_imm(&sheet, x, 8, 12, 8).to_image());
            assert_eq!(clean, scene(), "{name}");
            assert!(first != clean && second != clean && first != second);
        }
    }

    #[test]
    fn a_grey_sheet_in_any_layout_is_grey() {
        let mut preprocessing = Preprocessing::named(PreprocessingName::Tf, 12, 8);
        preprocessing.channel_order = ChannelOrder::Grey;
        preprocessing.layout = Layout::ChannelsLast;
        let white = RgbImage::from_pixel(12, 8, Rgb([255; 3]));
        let sheet = preview(&[white], &preprocessing, &Augmentation::none(), 1, 1).unwrap();
        assert!(sheet.pixels().all(|pixel| pixel.0 == [255; 3]));
    }

    #[test]
    fn sheets_that_cannot_be_made_are_refused() {
        let preprocessing = Preprocessing::named(PreprocessingName::Unit, 224, 224);
        let none = Augmentation::none();
        assert!(preview(&[], &preprocessing, &none, 0, 1).is_err());
        let error = preview(&[scene()], &preprocessing, &none, 0, u32::MAX).unwrap_err();
        assert!(error.contains("fewer"), "{error}");
    }
}
