//! PNG, JPEG, WebP, BMP and GIF files into RGB pixels.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use crate::picture::{HEAD, Holds};

mod jpeg;
#[cfg(test)]
mod tests;

/// Largest side of an image that is decoded, in pixels.
const MAX_SIDE: u32 = 32_768;

/// Largest decoded image, in bytes, as it is stored and as RGB.
const MAX_BYTES: u64 = 1 << 29;

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 29;

/// Sixteen-bit images whose values stay below this hold fewer bits than they say, such as the 12 of
/// a camera: as 8 bits they would be black.
const DARK: u16 = 1 << 12;

/// Files and bytes alike, so that the decoders are compiled once.
trait Source: BufRead + Seek {}

impl<T: BufRead + Seek> Source for T {}

/// The contents of a file of one image.
///
/// # Errors
/// Why it cannot be read, as a sentence without its subject.
pub fn read_image(path: &Path) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|error| {
        match (error.kind(), std::fs::read_link(path)) {
            (std::io::ErrorKind::NotFound, Ok(target)) => {
                format!("is a link to {}, which is not there", target.display())
            }
            _ => format!("cannot be read ({error})"),
        }
    })?;
    if !about.is_file() {
        return Err("is no regular file".into());
    }
    if about.len() > MAX_FILE {
        return Err(format!(
            "is too large for one image ({} MiB)",
            about.len() >> 20
        ));
    }
    // What stands in the place of a picture is told by what it holds, see `decode`.
    std::fs::read(path).map_err(|error| format!("cannot be read ({error})"))
}

/// Decodes PNG, JPEG, WebP, BMP or GIF into 8-bit RGB: of several frames the first is taken, the
/// orientation noted in EXIF is applied, transparency is laid onto white.
///
/// The contents decide the format, not the file's name.
///
/// ```
/// let image = edgefit_data::RgbImage::from_pixel(2, 1, image::Rgb([200, 30, 30]));
/// let bytes = edgefit_data::png(&image)?;
/// assert_eq!(edgefit_data::decode(&bytes)?, image);
/// assert!(edgefit_data::decode(b"hello").is_err());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// Why it cannot be decoded, as a sentence without its subject: it is damaged or cut off, too large,
/// no picture, or one of another format.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let (mut image, orientation) = match Holds::of(&bytes[..bytes.len().min(HEAD)]) {
        Holds::Picture(ImageFormat::Jpeg) => decode_jpeg(bytes)?,
        Holds::Picture(format) => decode_as(format, bytes)?,
        other => return Err(other.problem().unwrap_or_default()),
    };
    if image.width() == 0 || image.height() == 0 {
        return Err("has no pixels".into());
    }
    require_light(&image)?;
    image.apply_orientation(orientation);
    Ok(if image.color().has_alpha() {
        onto_white(&image)
    } else {
        image.into_rgb8()
    })
}

/// Width and height of the image in a file, as [`decode`] would have it, from its head alone.
///
/// # Errors
/// As of [`read_image`] and [`decode`], as far as the head tells.
pub fn image_size(path: &Path) -> Result<[u32; 2], String> {
    let broken = |error: ImageError| format!("cannot be decoded ({error})");
    let file = std::fs::File::open(path).map(BufReader::new);
    let source = file.map(|file| Box::new(file) as Box<dyn Source>);
    let reader = source.and_then(|source| ImageReader::new(source).with_guessed_format());
    let reader = reader.map_err(|error| format!("cannot be read ({error})"))?;
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        decoder.orientation().map_err(broken)?,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Ok(if turned {
        [height, width]
    } else {
        [width, height]
    })
}

/// A JPEG picture that is whole; the decoder makes something up for what is missing.
fn decode_jpeg(bytes: &[u8]) -> Result<(DynamicImage, Orientation), String> {
    let ended = jpeg::Ended::of(bytes)?;
    let decoded = decode_as(ImageFormat::Jpeg, &ended.file)?;
    let probe = ended.probe(&decoded.0);
    match probe.map(|probe| decode_as(ImageFormat::Jpeg, &probe)) {
        None => Ok(decoded),
        Some(Ok(probe)) if probe == decoded => Ok(decoded),
        Some(_) => Err(jpeg::CUT.into()),
    }
}

/// The picture as it is stored, and how it is to be turned.
fn decode_as(format: ImageFormat, bytes: &[u8]) -> Result<(DynamicImage, Orientation), String> {
    let broken = |error: ImageError| match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "is cut off: its data end before the picture does".to_owned()
        }
        error => format!("cannot be decoded ({error})"),
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES);
    let source: Box<dyn Source> = Box::new(Cursor::new(bytes));
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let rgb = 3 * u64::from(width) * u64::from(height);
    let largest = decoder.total_bytes().max(rgb);
    if width.max(height) > MAX_SIDE || largest > MAX_BYTES {
        return Err(format!(
            "has {width} × {height} pixels, which is over the limit of {MAX_SIDE} a side and {} MiB; \
             make it smaller",
            MAX_BYTES >> 20
        ));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok((image, orientation))
}

/// Checks that the image will not be black because it uses few of its sixteen bits.
fn require_light(image: &DynamicImage) -> Result<(), String> {
    let most = |values: &[u16], channels: usize, colours: usize| {
        let pixels = values.chunks_exact(channels);
        pixels.flat_map(|pixel| &pixel[..colours]).copied().max()
    };
    let most = match image {
        DynamicImage::ImageLuma16(image) => most(image, 1, 1),
        DynamicImage::ImageLumaA16(image) => most(image, 2, 1),
        DynamicImage::ImageRgb16(image) => most(image, 3, 3),
        DynamicImage::ImageRgba16(image) => most(image, 4, 3),
        _ => None,
    };
    match most {
        Some(most @ 1..DARK) => Err(format!(
            "uses few of its 16 bits (no value is above {most} of 65535), and would be black as 8 bits; \
             scale its values to the full range"
        )),
        _ => Ok(()),
    }
}

fn onto_white(image: &DynamicImage) -> RgbImage {
    let rgba = image.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    let (to, _) = rgb.as_chunks_mut::<3>();
    let (from, _) = rgba.as_chunks::<4>();
    for (to, &[red, green, blue, alpha]) in to.iter_mut().zip(from) {
        if alpha == u8::MAX {
            *to = [red, green, blue];
            continue;
        }
        *to = [
            over_white(red, alpha),
            over_white(green, alpha),
            over_white(blue, alpha),
        ];
    }
    rgb
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
