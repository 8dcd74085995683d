//! One array in NumPy's `.npy` format, versions 1 to 3 (`numpy.lib.format`).

use std::io::Read;

use half::f16;

mod header;
#[cfg(test)]
pub(super) mod tests;

use header::{ByteOrder, ElementOrder, Header, damaged, unreadable};
pub(super) use header::{Kind, MAGIC, floats_header};

/// Elements that are converted at a time.
const CHUNK: usize = 16_384;

/// An array whose header has been read, and whose elements have not.
pub(super) struct Npy<R> {
    header: Header,
    reader: R,
}

impl<R: Read> Npy<R> {
    /// Reads the header of an array of `size` bytes, header and all.
    ///
    /// # Errors
    /// What is wrong, as a sentence; also when the header does not claim exactly the bytes that are
    /// there.
    pub fn new(mut reader: R, size: u64) -> Result<Self, String> {
        let header = Header::read(&mut reader)?;
        let held = size.saturating_sub(header.length);
        if header.element_bytes() != Some(held) {
            return Err(damaged(&format!(
                "its header promises the shape {:?} of {} bytes each, and {held} bytes follow",
                header.shape, header.element.width
            )));
        }
        Ok(Npy { header, reader })
    }

    pub fn kind(&self) -> Kind {
        self.header.element.kind
    }

    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// The elements as floats, in C order.
    pub fn floats(self) -> Result<Vec<f32>, String> {
        let (kind, width) = (self.kind(), self.header.element.width);
        self.elements(|bytes| {
            let bits = wide(bytes);
            match (kind, width) {
                (Kind::Float, 2) => f16::from_bits(bits as u16).to_f32(),
                (Kind::Float, 4) => f32::from_bits(bits as u32),
                (Kind::Float, _) => f64::from_bits(bits) as f32,
                (Kind::Signed, _) => signed(bits, width) as f32,
                _ => bits as f32,
            }
        })
    }

    /// The elements as integers, in C order.
    pub fn integers(self) -> Result<Vec<i128>, String> {
        let (kind, width) = (self.kind(), self.header.element.width);
        self.elements(|bytes| match kind {
            Kind::Signed => signed(wide(bytes), width).into(),
            _ => wide(bytes).into(),
        })
    }

    /// The elements as texts, in C order; what is no Unicode becomes U+FFFD.
    pub fn texts(self) -> Result<Vec<String>, String> {
        let word = self.header.element.word;
        self.elements(|bytes| {
            let points = bytes.chunks_exact(4).map(|point| wide(point) as u32);
            let text: String = match word {
                1 => String::from_utf8_lossy(bytes).into_owned(),
                _ => points
                    .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            };
            text.trim_end_matches('\0').to_owned()
        })
    }

    fn elements<T: Clone>(mut self, convert: impl Fn(&[u8]) -> T) -> Result<Vec<T>, String> {
        let element = self.header.element;
        let shape = self.header.shape;
        let count: usize = shape.iter().product();
        let mut elements = Vec::with_capacity(count);
        let mut buffer = vec![0; element.width * CHUNK.min(count)];
        while elements.len() < count {
            let chunk = &mut buffer[..element.width * CHUNK.min(count - elements.len())];
            self.reader.read_exact(chunk).map_err(unreadable)?;
            if element.byte_order == ByteOrder::Big {
                chunk
                    .chunks_exact_mut(element.word)
                    .for_each(<[u8]>::reverse);
            }
            elements.extend(chunk.chunks_exact(element.width).map(&convert));
        }
        // An archive compares its checksum only when the end is read.
        if self.reader.read(&mut [0]).map_err(unreadable)? > 0 {
            return Err(damaged("more bytes follow than its header promises"));
        }
        Ok(match self.header.order {
            ElementOrder::C => elements,
            ElementOrder::Fortran => c_order(&elements, &shape),
        })
    }
}

/// The little-endian `bytes` of a number of 1 to 8 bytes.
fn wide(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

fn signed(bits: u64, width: usize) -> i64 {
    let unused = 64 - 8 * width;
    (bits << unused) as i64 >> unused
}

/// Elements in Fortran order, brought into C order.
fn c_order<T: Clone>(elements: &[T], shape: &[usize]) -> Vec<T> {
    let at = |mut index: usize| {
        let mut stride = elements.len();
        let mut offset = 0;
        for dim in shape.iter().rev() {
            stride /= dim;
            offset += index % dim * stride;
            index /= dim;
        }
        elements[offset].clone()
    };
    (0..elements.len()).map(at).collect()
}
