//! Whether a JPEG file holds all of its picture: decoders fill what is missing with grey.
//!
//! Markers and scans are those of ITU-T T.81, annexes B and G.

use std::borrow::Cow;

use image::{DynamicImage, GenericImageView};

const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const PROGRESSIVE: u8 = 0xc2;

/// Zeros behind the data from which on they are no data, but what a download left unwritten.
const UNWRITTEN: usize = 16;

/// How much is put in the place of missing data.
const FILLED: usize = 256;

/// Largest side of what is coded together, in pixels, where one chroma value stands for four pixels.
const BLOCK: u32 = 16;

/// Most that a value of two blocks of missing data differs; a larger figure costs time only.
const EVEN: u8 = 8;

/// A JPEG file that ends with its end marker, and what shows whether the data before that are all.
pub(super) struct Ended<'a> {
    /// The file; with an end marker, if that was missing.
    pub file: Cow<'a, [u8]>,
    /// Length of the data before the end marker.
    data: usize,
    /// Whether the file itself leaves that open.
    doubtful: bool,
}

impl<'a> Ended<'a> {
    /// The file with an end.
    ///
    /// # Errors
    /// It ends where more is sure to have followed.
    pub fn of(bytes: &'a [u8]) -> Result<Self, String> {
        match Walk::of(bytes) {
            Walk::Ended(data) => Ok(Ended {
                file: Cow::Borrowed(bytes),
                data,
                doubtful: false,
            }),
            Walk::Cut => Err(CUT.into()),
            Walk::InLastScan => {
                let written = bytes.iter().rposition(|&byte| byte != 0);
                let written = written.map_or(0, |last| last + 1);
                let data = match bytes.len() - written {
                    UNWRITTEN.. => written,
                    _ => bytes.len(),
                };
                Ok(Ended {
                    file: Cow::Owned([&bytes[..data], &[0xff, END]].concat()),
                    data,
                    doubtful: true,
                })
            }
        }
    }

    /// Where the picture decoded from it may lack its end, a file with something else behind the data:
    /// the same picture is decoded from that if they are complete.
    pub fn probe(&self, decoded: &DynamicImage) -> Option<Vec<u8>> {
        if !self.doubtful && !ends_evenly(decoded) {
            return None;
        }
        // Any bits that are not all the same, without a marker among them; zeros are what the decoder takes.
        let fill = (1..=FILLED).map(|at| (at * 73 % 251) as u8);
        let mut probe = self.file[..self.data].to_vec();
        probe.extend(fill.chain([0xff, END]));
        Some(probe)
    }
}

/// Whether the last block of a picture is like the one before: decoders take what is missing for
/// zeros, which make one block like the other.
fn ends_evenly(image: &DynamicImage) -> bool {
    let Some(y) = image.height().checked_sub(1) else {
        return false;
    };
    let columns = image.width().saturating_sub(BLOCK).max(BLOCK)..image.width();
    columns.into_iter().all(|x| {
        let [own, other] = [x, x - BLOCK].map(|x| image.get_pixel(x, y).0);
        let mut channels = own.iter().zip(other);
        channels.all(|(a, b)| a.abs_diff(b) <= EVEN)
    })
}

/// What is said of a file that does not hold all of its picture.
pub(super) const CUT: &str = "is cut off: its JPEG data end before the picture does";

/// How the walk from marker to marker ends.
#[derive(Debug, PartialEq)]
enum Walk {
    /// At the end marker, behind so many bytes.
    Ended(usize),
    /// In the data of the scan that holds what the others lack.
    InLastScan,
    /// Elsewhere, or before every bit of every coefficient was in a scan.
    Cut,
}

impl Walk {
    fn of(bytes: &[u8]) -> Self {
        let mut components: Vec<Component> = Vec::new();
        let mut coding = 0;
        let mut at = 2;
        loop {
            let Some(marker) = next_marker(bytes, &mut at) else {
                return Walk::Cut;
            };
            match marker {
                END if is_complete(&components) => return Walk::Ended(at - 2),
                END => return Walk::Cut,
                // Those have no contents.
                0x01 | 0xd0..=0xd8 => continue,
                _ => {}
            }
            let Some(segment) = segment(bytes, &mut at) else {
                return Walk::Cut;
            };
            match marker {
                // Start of frame, but for the tables that lie between its codes.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                    let ids = segment.get(6..).unwrap_or_default().chunks_exact(3);
                    components = ids.map(|of| Component::new(of[0])).collect();
                    coding = marker;
                }
                SCAN => {
                    cover(&mut components, coding, segment);
                    if !skip_data(bytes, &mut at) {
                        return if is_complete(&components) {
                            Walk::InLastScan
                        } else {
                            Walk::Cut
                        };
                    }
                }
                _ => {}
            }
        }
    }
}

/// A component of the frame.
struct Component {
    id: u8,
    /// For each coefficient how many of its lowest bits are missing still.
    missing: [u8; 64],
}

impl Component {
    fn new(id: u8) -> Self {
        Component {
            id,
            missing: [u8::MAX; 64],
        }
    }
}

fn is_complete(components: &[Component]) -> bool {
    components
        .iter()
        .all(|component| component.missing == [0; 64])
}

/// Notes what a scan of this header holds (annex B.2.3) in a frame of this `coding`.
fn cover(components: &mut [Component], coding: u8, header: &[u8]) {
    let Some((&count, rest)) = header.split_first() else {
        return;
    };
    let Some((of, &[first, last, bits])) = rest.split_at_checked(2 * usize::from(count)) else {
        return;
    };
    // Where coding is not progressive, a scan holds everything of its components.
    let (coefficients, bits) = match coding {
        PROGRESSIVE => (usize::from(first)..=usize::from(last), bits & 15),
        _ => (0..=63, 0),
    };
    for component in components {
        let is_in_scan = of.chunks_exact(2).any(|of| of[0] == component.id);
        if let (true, Some(missing)) = (is_in_scan, component.missing.get_mut(coefficients.clone()))
        {
            missing.fill(bits);
        }
    }
}

/// The next marker at `at` or behind, which is moved behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && ![0, 0xff].contains(&pair[1]);
    let found = bytes.get(*at..)?.windows(2).position(is_marker)?;
    *at += found + 2;
    Some(bytes[*at - 1])
}

/// The contents of the segment whose length stands at `at`, which is moved behind it.
fn segment<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = bytes.get(*at..*at + 2)?;
    let end = *at + usize::from(u16::from_be_bytes([length[0], length[1]]));
    let contents = bytes.get(*at + 2..end)?;
    *at = end;
    Some(contents)
}

/// Moves `at` to the marker behind the data of a scan, if there is one.
fn skip_data(bytes: &[u8], at: &mut usize) -> bool {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    let behind = bytes.get(*at..).unwrap_or_default();
    match behind.windows(2).position(is_marker) {
        Some(found) => {
            *at += found;
            true
        }
        None => false,
    }
}
