//! Images come out as a viewer shows them, or not at all.

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

/// A JPEG file that is to be turned as EXIF's `orientation` says.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    // APP1 with a little-endian TIFF of one entry: Orientation (0x0112), SHORT, 1.
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif[..], &jpeg[2..]].concat()
}

#[test]
fn exif_orientation_is_applied() {
    let bytes = turned(&encoded(RgbImage::new(8, 6), ImageFormat::Jpeg), 6);
    assert_eq!(decode(&bytes).unwrap().dimensions(), (6, 8));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    assert_eq!(image_size(file.path()), Ok([6, 8]));
    std::fs::write(file.path(), "no picture").unwrap();
    assert!(image_size(file.path()).is_err());
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

/// A picture with something in every block.
fn picture() -> RgbImage {
    RgbImage::from_fn(48, 40, |x, y| {
        image::Rgb([x * 5, y * 6, (x * y) % 251].map(|value| value as u8))
    })
}

#[test]
fn what_is_cut_off_is_an_error_or_still_whole() {
    let progressive: &[u8] = include_bytes!("progressive.jpg");
    let mut files = vec![(ImageFormat::Jpeg, progressive.to_vec())];
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Gif,
    ] {
        files.push((format, encoded(picture(), format)));
    }
    for (format, file) in files {
        let whole = decode(&file).unwrap();
        let holds = |cut: &[u8], end: usize| {
            if let Ok(image) = decode(cut) {
                assert!(image == whole, "{format:?}, {end} of {}", file.len());
            }
        };
        for end in 0..file.len() {
            holds(&file[..end], end);
            // What a download has not yet written is zeros.
            if format == ImageFormat::Jpeg {
                holds(&[&file[..end], &[0; 64]].concat(), end);
            }
        }
        let most = &file[..file.len() * 9 / 10];
        assert!(decode(most).is_err(), "{format:?}");
    }
}

#[test]
fn a_jpeg_that_was_cut_off_and_ended_is_an_error() {
    let upright = encoded(picture(), ImageFormat::Jpeg);
    for orientation in [1, 3, 6, 8] {
        let file = turned(&upright, orientation);
        assert!(decode(&file).is_ok());
        for end in 2..file.len() * 9 / 10 {
            let ended = [&file[..end], &[0xff, 0xd9]].concat();
            assert!(
                decode(&ended).is_err(),
                "{end} of {}, turned as {orientation}",
                file.len()
            );
        }
    }
}

#[test]
fn a_jpeg_without_its_end_marker_alone_is_whole() {
    let progressive: &[u8] = include_bytes!("progressive.jpg");
    for file in [progressive.to_vec(), encoded(picture(), ImageFormat::Jpeg)] {
        let without = &file[..file.len() - 2];
        assert_eq!(decode(without).unwrap(), decode(&file).unwrap());
    }
}

#[test]
fn sixteen_bits_become_eight_unless_they_would_be_black() {
    let ramp = |most: u32| {
        image::ImageBuffer::<image::Luma<u16>, _>::from_fn(64, 1, |x, _| {
            image::Luma([(x * most / 63) as u16])
        })
    };
    let full = decode(&encoded(ramp(65_535), ImageFormat::Png)).unwrap();
    assert_eq!(full.get_pixel(63, 0).0, [255; 3]);
    assert_eq!(full.get_pixel(21, 0).0, [85; 3]);
    let error = decode(&encoded(ramp(4095), ImageFormat::Png)).unwrap_err();
    assert!(error.contains("above 4095 of 65535"), "{error}");
    assert!(decode(&encoded(ramp(0), ImageFormat::Png)).is_ok());
}

#[test]
fn files_are_read_or_said_why_not() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("gone.png", folder.path().join("link")).unwrap();
    for (name, expected) in [
        ("link", "a link to gone.png"),
        (".", "no regular file"),
        ("b", "cannot be read"),
    ] {
        let error = read_image(&folder.path().join(name)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
