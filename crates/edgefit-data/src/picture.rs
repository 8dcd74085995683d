//! What a file holds, by its first bytes and not by what it is called.

use edgefit_base::stand_in::StandIn;
use image::ImageFormat;

/// First bytes of a file that are enough to tell what it holds.
pub(crate) const HEAD: usize = 4096;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A picture of a format that is read.
    Picture(ImageFormat),
    /// A picture of another format.
    Foreign(&'static str),
    /// Nothing at all.
    Nothing,
    /// What lies in the place of a file that was never fetched.
    StandIn(StandIn),
    /// Something else.
    Other,
}

/// Formats of pictures that are not read, with what their files hold at a place.
const FOREIGN: [(usize, &[u8], &str); 22] = [
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"IIRO", "camera raw"),
    (0, b"IIU\0", "camera raw"),
    (0, b"FUJIFILM", "camera raw"),
    (4, b"ftypcrx", "camera raw"),
    (4, b"ftypavi", "AVIF"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"DDS ", "DDS"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"qoif", "QOI"),
    (0, b"farbfeld", "farbfeld"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
];

/// Brands of HEIF files, whose compression is not told by the first.
const HEIF: [&[u8]; 9] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif",
];

/// Ends of names that promise a picture.
const EXTENSIONS: [&str; 33] = [
    "apng", "arw", "avif", "bmp", "cr2", "cr3", "dcm", "dib", "dng", "exr", "gif", "hdr", "heic",
    "heif", "ico", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "jxl", "nef", "pbm", "pgm", "png",
    "ppm", "psd", "qoi", "svg", "tga", "tif", "tiff",
];

/// Sizes that the header of a BMP picture states for itself.
const BMP_HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

impl Holds {
    /// What a file that begins with these bytes holds.
    pub fn of(head: &[u8]) -> Self {
        let foreign = FOREIGN.iter().find(|(at, magic, _)| {
            let behind = head.get(*at..);
            behind.is_some_and(|behind| behind.starts_with(magic))
        });
        if head.is_empty() {
            Holds::Nothing
        } else if let Some(format) = format(head) {
            Holds::Picture(format)
        } else if let Some((.., name)) = foreign {
            Holds::Foreign(name)
        } else if head.get(4..8) == Some(b"ftyp") && is_heif(head) {
            Holds::Foreign(if contains(&head[..head.len().min(64)], b"avif") {
                "AVIF"
            } else {
                "HEIC"
            })
        } else if is_portable_map(head) {
            Holds::Foreign("Netpbm")
        } else if let Some(stand_in) = StandIn::recognise(head) {
            Holds::StandIn(stand_in)
        } else if is_svg(head) {
            Holds::Foreign("SVG")
        } else {
            Holds::Other
        }
    }

    /// Why this cannot be read as a picture, as a sentence without its subject; `None` of pictures.
    pub fn problem(self) -> Option<String> {
        Some(match self {
            Holds::Picture(_) => return None,
            Holds::Foreign(name) => format!(
                "is a picture in a format that is not read, {name}; convert it to PNG or JPEG"
            ),
            Holds::Nothing => "is empty".into(),
            Holds::StandIn(stand_in) => format!("is {stand_in}"),
            Holds::Other => {
                "is no picture in a format that is read (PNG, JPEG, WebP, BMP, GIF)".into()
            }
        })
    }
}

/// Whether the end of a file's name promises a picture.
pub(crate) fn promises_a_picture(path: &std::path::Path) -> bool {
    let is = |extension: &std::ffi::OsStr| {
        let mut known = EXTENSIONS.iter().chain(&["webp"]);
        known.any(|known| extension.eq_ignore_ascii_case(known))
    };
    path.extension().is_some_and(is)
}

fn format(head: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(head).ok()?;
    let is_read = match format {
        ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP => true,
        // Two letters begin other files, too.
        ImageFormat::Bmp => {
            let size = head.get(14..18).and_then(|size| size.try_into().ok());
            size.is_some_and(|size| BMP_HEADERS.contains(&u32::from_le_bytes(size)))
        }
        _ => false,
    };
    is_read.then_some(format)
}

fn is_heif(head: &[u8]) -> bool {
    HEIF.iter().any(|brand| head.get(8..12) == Some(brand))
}

/// Whether this is a picture of `P1` to `P6`, a blank and a number.
fn is_portable_map(head: &[u8]) -> bool {
    matches!(head, [b'P', b'1'..=b'6', blank, digit, ..]
        if blank.is_ascii_whitespace() && (digit.is_ascii_digit() || *digit == b'#'))
}

fn is_svg(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let declared = ["<?xml", "<!--", "<!doctype svg"];
    text.starts_with("<svg")
        || (declared.iter().any(|start| text.starts_with(start)) && text.contains("<svg"))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a file that begins with these bytes is a picture of several frames, as far as they tell.
pub(crate) fn is_animated(head: &[u8]) -> bool {
    match format(head) {
        Some(ImageFormat::WebP) => {
            head.get(12..16) == Some(b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0)
        }
        Some(ImageFormat::Png) => contains(head, b"acTL"),
        // How often the frames are repeated, and how long the first is shown (GIF89a, section 23).
        Some(ImageFormat::Gif) => {
            let shown = |of: &[u8]| of.starts_with(b"\x21\xf9\x04") && of[4..6] != [0, 0];
            contains(head, b"NETSCAPE2.0") || head.windows(8).any(shown)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_decide() {
        let mut dicom = vec![0; 128];
        dicom.extend(b"DICM");
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Holds::Picture(ImageFormat::Png)),
            (b"\xff\xd8\xff\xe0", Holds::Picture(ImageFormat::Jpeg)),
            (b"", Holds::Nothing),
            (b"MM\0*\0\0", Holds::Foreign("TIFF")),
            (
                b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
                Holds::Foreign("HEIC"),
            ),
            (b"\0\0\0\x1cftypavif\0\0\0\0", Holds::Foreign("AVIF")),
            (
                b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif",
                Holds::Foreign("AVIF"),
            ),
            (b"\0\0\0\x1cftypisom\0\0\0\0mp42", Holds::Other),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg/>",
                Holds::Foreign("SVG"),
            ),
            (b"<?xml version=\"1.0\"?><annotation/>", Holds::Other),
            (b"<!DOCTYPE html><svg/>", Holds::StandIn(StandIn::WebPage)),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                Holds::StandIn(StandIn::LfsPointer),
            ),
            (b"P6\n8 8\n255\n", Holds::Foreign("Netpbm")),
            (b"BMW, Audi, Opel and others", Holds::Other),
            (&dicom, Holds::Foreign("DICOM")),
            (b"a few words", Holds::Other),
        ] {
            let found = Holds::of(head);
            assert_eq!(found, expected, "{}", head.escape_ascii());
            assert_eq!(
                found.problem().is_none(),
                matches!(found, Holds::Picture(_))
            );
        }
    }

    #[test]
    fn frames_are_told_from_a_picture() {
        let gif =
            |shown: u8| [b"GIF89a", &[0; 7][..], b"\x21\xf9\x04\0", &[shown, 0, 0, 0]].concat();
        assert!(is_animated(&gif(8)) && !is_animated(&gif(0)));
        let webp = |flags: u8| [b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0", &[flags, 0, 0, 0][..]].concat();
        assert!(is_animated(&webp(2)) && !is_animated(&webp(0)));
        assert!(!is_animated(b"RIFF\0\0\0\0WEBPVP8X"));
    }

    #[test]
    fn names_promise_pictures_in_any_case() {
        let promises = |name: &str| promises_a_picture(std::path::Path::new(name));
        assert!(promises("a.JPE") && promises("b.webp") && promises("c.tif"));
        assert!(!promises("jpg") && !promises("notes.txt"));
    }
}
