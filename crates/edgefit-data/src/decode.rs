//! PNG, JPEG, WebP, BMP and GIF files into RGB pixels.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

/// Largest side of an image that is decoded, in pixels.
const MAX_SIDE: u32 = 32_768;

/// Largest decoded image, in bytes, as it is stored and as RGB.
const MAX_BYTES: u64 = 1 << 29;

/// Decodes PNG, JPEG, WebP, BMP or the first frame of a GIF into 8-bit RGB: the orientation noted
/// in EXIF is applied, transparency is laid onto white.
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
/// What the decoder met, as a sentence.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut decode = || -> image::ImageResult<DynamicImage> {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        let rgb = 3 * u64::from(width) * u64::from(height);
        limits.reserve(decoder.total_bytes().max(rgb))?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    let image = decode().map_err(|error| format!("cannot be decoded ({error})"))?;
    if image.width() == 0 || image.height() == 0 {
        return Err("has no pixels".into());
    }
    Ok(if image.color().has_alpha() {
        onto_white(&image)
    } else {
        image.into_rgb8()
    })
}

fn onto_white(image: &DynamicImage) -> RgbImage {
    let rgba = image.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (out, pixel) in rgb.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(pixel[3]);
        for channel in 0..3 {
            let mixed = u32::from(pixel[channel]) * alpha + 255 * (255 - alpha);
            out[channel] = ((mixed + 127) / 255) as u8;
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn transparency_becomes_white() {
        let mut image = RgbaImage::from_pixel(2, 1, Rgba([10, 20, 30, 255]));
        image.put_pixel(1, 0, Rgba([10, 20, 30, 0]));
        let rgb = decode(&encoded(image, ImageFormat::Png)).unwrap();
        assert_eq!(rgb.get_pixel(0, 0).0, [10, 20, 30]);
        assert_eq!(rgb.get_pixel(1, 0).0, [255, 255, 255]);
    }

    #[test]
    fn every_promised_format_is_decoded() {
        let image = RgbImage::from_pixel(8, 6, image::Rgb([200, 30, 30]));
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Bmp,
            ImageFormat::Gif,
        ] {
            let decoded = decode(&encoded(image.clone(), format)).unwrap();
            assert_eq!(decoded.dimensions(), (8, 6), "{format:?}");
            assert!(decoded.get_pixel(4, 3)[0] > 180, "{format:?}");
        }
    }

    #[test]
    fn exif_orientation_is_applied() {
        let jpeg = encoded(RgbImage::new(8, 6), ImageFormat::Jpeg);
        // APP1 with a little-endian TIFF of one entry: Orientation (0x0112), SHORT, 1, rotate 90.
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec();
        exif.extend([0; 4]);
        let mut bytes = jpeg[..2].to_vec();
        bytes.extend([0xff, 0xe1]);
        bytes.extend((exif.len() as u16 + 2).to_be_bytes());
        bytes.extend(exif);
        bytes.extend(&jpeg[2..]);
        assert_eq!(decode(&bytes).unwrap().dimensions(), (6, 8));
    }

    #[test]
    fn a_small_file_cannot_become_a_huge_image() {
        // Valid PNG headers: 3.4 GiB of RGBA, and 400 MB of grey that are 1.1 GiB as RGB.
        let rgba = encoded(RgbaImage::new(1, 1), ImageFormat::Png);
        let grey = encoded(image::GrayImage::new(1, 1), ImageFormat::Png);
        for (mut png, side) in [(rgba, 30_000u32), (grey, 20_000)] {
            png[16..20].copy_from_slice(&side.to_be_bytes());
            png[20..24].copy_from_slice(&side.to_be_bytes());
            let crc = crc32(&png[12..29]);
            png[29..33].copy_from_slice(&crc.to_be_bytes());
            let error = decode(&png).unwrap_err();
            assert!(error.to_lowercase().contains("limit"), "{error}");
        }
    }

    /// The checksum of a PNG chunk (RFC 2083, section 15), bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32| match crc & 1 {
            1 => 0xedb8_8320 ^ (crc >> 1),
            _ => crc >> 1,
        };
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc))
        })
    }

    #[test]
    fn damaged_files_are_errors() {
        let png = encoded(RgbImage::new(64, 64), ImageFormat::Png);
        for bytes in [&b""[..], b"hello", &png[..png.len() / 2]] {
            assert!(decode(bytes).is_err());
        }
    }
}
