//! Pictures of samples, small enough to lie inside a page.

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use edgefit_data::{RgbImage, decode, read_image};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

/// Longer side of the picture of a sample, in pixels.
const SIDE: u32 = 144;

/// Quality of a picture as JPEG.
const QUALITY: u8 = 72;

/// A picture inside a page.
#[derive(Debug, Clone)]
pub(crate) struct Thumbnail {
    /// `data:image/jpeg;base64,…`
    pub source: String,
    /// Pixels, or whole multiples of them.
    pub width: u32,
    pub height: u32,
    /// Whether each pixel is shown as a square of several.
    pub is_enlarged: bool,
}

/// The picture in the file at `path`, with its size there; a tiny one is shown as squares, a whole number of pixels each.
///
/// # Errors
/// Why it cannot be shown, as a sentence without its subject.
pub(crate) fn thumbnail(path: &Path) -> Result<(Thumbnail, [u32; 2]), String> {
    let picture = decode(&read_image(path)?)?;
    let size = [picture.width(), picture.height()];
    let mut shown = fitted(&picture, SIDE)?;
    let factor = SIDE / shown.width.max(shown.height);
    if factor > 1 {
        shown.width *= factor;
        shown.height *= factor;
        shown.is_enlarged = true;
    }
    Ok((shown, size))
}

/// A sheet of pictures, such as that of augmented views, not wider or higher than `side`.
///
/// # Errors
/// As of [`thumbnail`].
pub(crate) fn sheet(path: &Path, side: u32) -> Result<Thumbnail, String> {
    fitted(&decode(&read_image(path)?)?, side)
}

fn fitted(picture: &RgbImage, side: u32) -> Result<Thumbnail, String> {
    let (width, height) = picture.dimensions();
    let scale = (f64::from(side) / f64::from(width.max(height))).min(1.0);
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small =
        image::imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle);
    let mut file = Cursor::new(Vec::new());
    let encoded = small.write_with_encoder(JpegEncoder::new_with_quality(&mut file, QUALITY));
    encoded.map_err(|error| format!("cannot be made small ({error})"))?;
    let bytes = BASE64_STANDARD.encode(file.into_inner());
    Ok(Thumbnail {
        source: format!("data:image/jpeg;base64,{bytes}"),
        width: small.width(),
        height: small.height(),
        is_enlarged: false,
    })
}
