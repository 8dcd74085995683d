//! One array in NumPy's `.npy` format, versions 1 to 3 (`numpy.lib.format`).
//!
//! The header is parsed here because it needs so little of Python's grammar: nothing is nested,
//! nothing is allocated that the file does not hold, and every product of dimensions is checked.

use std::io::Read;

use half::f16;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header, in bytes; as NumPy's own `max_header_size`.
const MAX_HEADER: usize = 10_000;

/// Most dimensions; as NumPy's own.
const MAX_RANK: usize = 64;

/// Elements that are converted at a time.
const CHUNK: usize = 16_384;

/// What the elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    Text,
}

/// An array whose header has been read, and whose elements have not.
pub(super) struct Npy<R> {
    pub kind: Kind,
    pub shape: Vec<usize>,
    reader: R,
    /// Bytes of an element.
    width: usize,
    big_endian: bool,
    fortran_order: bool,
}

impl<R: Read> Npy<R> {
    /// Reads the header of an array of `size` bytes, header and all.
    ///
    /// # Errors
    /// What is wrong, as a sentence; also when the header does not claim just the bytes that are
    /// there.
    pub fn new(mut reader: R, size: u64) -> Result<Self, String> {
        let (text, start) = header(&mut reader)?;
        let (kind, width, big_endian) = element(field(&text, "descr")?)?;
        let fortran_order = match field(&text, "fortran_order")? {
            text if text.starts_with("True") => true,
            text if text.starts_with("False") => false,
            _ => return Err(damaged("its order of elements is not told")),
        };
        let shape = shape(field(&text, "shape")?)?;
        let claimed = shape.iter().try_fold(width, |n, dim| n.checked_mul(*dim));
        let held = size.saturating_sub(start);
        if claimed.map(|claimed| claimed as u64) != Some(held) {
            return Err(damaged(&format!(
                "its header promises the shape {shape:?} of {width} bytes each, and {held} bytes \
                 follow"
            )));
        }
        Ok(Npy {
            kind,
            shape,
            reader,
            width,
            big_endian,
            fortran_order,
        })
    }

    /// The elements as floats, in C order.
    pub fn floats(self) -> Result<Vec<f32>, String> {
        let (kind, width) = (self.kind, self.width);
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
        let (kind, width) = (self.kind, self.width);
        self.elements(|bytes| match kind {
            Kind::Signed => signed(wide(bytes), width).into(),
            _ => wide(bytes).into(),
        })
    }

    /// The elements as texts, in C order; what is no Unicode becomes U+FFFD.
    pub fn texts(self) -> Result<Vec<String>, String> {
        self.elements(|bytes| {
            let points = bytes.chunks_exact(4).map(|point| wide(point) as u32);
            let text: String = points
                .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            text.trim_end_matches('\0').to_owned()
        })
    }

    fn elements<T: Clone>(mut self, convert: impl Fn(&[u8]) -> T) -> Result<Vec<T>, String> {
        let count: usize = self.shape.iter().product();
        let word = match self.kind {
            Kind::Text => 4,
            _ => self.width,
        };
        let mut elements = Vec::with_capacity(count);
        let mut buffer = vec![0; self.width * CHUNK.min(count)];
        while elements.len() < count {
            let chunk = &mut buffer[..self.width * CHUNK.min(count - elements.len())];
            self.reader.read_exact(chunk).map_err(unreadable)?;
            if self.big_endian {
                chunk.chunks_exact_mut(word).for_each(<[u8]>::reverse);
            }
            elements.extend(chunk.chunks_exact(self.width).map(&convert));
        }
        // A checksum is held against at the end only.
        match self.reader.read(&mut [0]).map_err(unreadable)? {
            0 if self.fortran_order => Ok(c_order(&elements, &self.shape)),
            0 => Ok(elements),
            _ => Err(damaged("more bytes follow than its header promises")),
        }
    }
}

/// The text of the header, and the number of bytes before the elements.
fn header(reader: &mut impl Read) -> Result<(String, u64), String> {
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(unreadable)?;
    if !start.starts_with(MAGIC) {
        return Err("is no .npy array; save it with np.save".into());
    }
    let mut length = [0; 4];
    let digits = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(format!("has the unknown format version {version}")),
    };
    reader
        .read_exact(&mut length[..digits])
        .map_err(unreadable)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(damaged(&format!("its header claims {length} bytes")));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(|_| damaged("its header is no text"))?;
    Ok((text, (start.len() + digits + length) as u64))
}

/// What follows `'name':` in the header.
fn field<'a>(header: &'a str, name: &str) -> Result<&'a str, String> {
    let (_, rest) = header
        .split_once(&format!("'{name}':"))
        .ok_or_else(|| damaged(&format!("its header does not tell '{name}'")))?;
    Ok(rest.trim_start())
}

/// Kind, bytes and byte order of an element.
fn element(descr: &str) -> Result<(Kind, usize, bool), String> {
    let text = descr
        .strip_prefix('\'')
        .and_then(|text| text.split_once('\''));
    let Some((text, _)) = text else {
        return Err("has structured elements; save each field as an array of its own".into());
    };
    let (order, rest) = match text.strip_prefix(['<', '>', '|', '=']) {
        Some(rest) => (text.as_bytes()[0], rest),
        None => (b'=', text),
    };
    let unread =
        || format!("has elements of the type '{text}'; use floats, integers, booleans or names");
    let code = rest.chars().next().ok_or_else(unread)?;
    if code == 'O' {
        return Err(
            "is a pickled array of Python objects, which could run code and is not read; save it \
             with a dtype of numbers, or of str for names"
                .into(),
        );
    }
    let count: Option<usize> = rest[code.len_utf8()..].parse().ok();
    let (kind, width) = match (code, count) {
        ('f', Some(width @ (2 | 4 | 8))) => (Kind::Float, width),
        ('i', Some(width @ (1 | 2 | 4 | 8))) => (Kind::Signed, width),
        ('u', Some(width @ (1 | 2 | 4 | 8))) => (Kind::Unsigned, width),
        ('b', Some(1)) => (Kind::Bool, 1),
        ('U', Some(letters @ 1..=MAX_HEADER)) => (Kind::Text, 4 * letters),
        _ => return Err(unread()),
    };
    Ok((kind, width, order == b'>'))
}

/// The dimensions in `(3, 4)`.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.split_once(')'))
        .ok_or_else(|| damaged("its header does not tell a shape"))?
        .0;
    let dims = inside.split(',').map(str::trim);
    let dims: Vec<usize> = dims
        .filter(|dim| !dim.is_empty())
        .map(|dim| {
            dim.parse()
                .map_err(|_| damaged(&format!("a dimension is '{dim}'")))
        })
        .collect::<Result<_, _>>()?;
    match dims.len() <= MAX_RANK {
        true => Ok(dims),
        false => Err(damaged(&format!("it has {} dimensions", dims.len()))),
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

/// Elements that lie first dimension fastest, put last dimension fastest.
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

fn damaged(problem: &str) -> String {
    format!("is damaged ({problem}); save it again")
}

/// What stands before the elements of an array of 32-bit floats in C order, version 1.0.
pub(super) fn floats_header(shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    // NumPy wants the elements to start at a multiple of 64 bytes.
    while !(MAGIC.len() + 4 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [MAGIC, b"\x01\x00", &length, text.as_bytes()].concat()
}

fn unreadable(error: std::io::Error) -> String {
    damaged(&error.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An array as `np.save` writes it.
    pub fn npy(descr: &str, fortran_order: bool, shape: &str, elements: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        [
            b"\x93NUMPY\x01\x00",
            &(text.len() as u16).to_le_bytes()[..],
            text.as_bytes(),
            elements,
        ]
        .concat()
    }

    fn open(bytes: &[u8]) -> Result<Npy<&[u8]>, String> {
        Npy::new(bytes, bytes.len() as u64)
    }

    #[test]
    fn every_type_and_byte_order_is_read() {
        macro_rules! bytes {
            ($values:expr, $bytes:ident) => {
                $values
                    .iter()
                    .flat_map(|value| value.$bytes())
                    .collect::<Vec<u8>>()
            };
        }
        let halves = [-1.5f32, 100.0].map(f16::from_f32);
        for (descr, elements, expected) in [
            ("<f2", bytes!(halves, to_le_bytes), [-1.5, 100.0]),
            (">f2", bytes!(halves, to_be_bytes), [-1.5, 100.0]),
            ("<f4", bytes!([-1.5f32, 100.0], to_le_bytes), [-1.5, 100.0]),
            (">f4", bytes!([-1.5f32, 100.0], to_be_bytes), [-1.5, 100.0]),
            ("<f8", bytes!([-1.5f64, 100.0], to_le_bytes), [-1.5, 100.0]),
            (">f8", bytes!([-1.5f64, 100.0], to_be_bytes), [-1.5, 100.0]),
            ("|i1", bytes!([-3i8, 100], to_le_bytes), [-3.0, 100.0]),
            ("<i2", bytes!([-300i16, 100], to_le_bytes), [-300.0, 100.0]),
            (">i4", bytes!([-300i32, 100], to_be_bytes), [-300.0, 100.0]),
            (">i8", bytes!([-300i64, 100], to_be_bytes), [-300.0, 100.0]),
            ("|u1", bytes!([200u8, 100], to_le_bytes), [200.0, 100.0]),
            (">u2", bytes!([60_000u16, 1], to_be_bytes), [60_000.0, 1.0]),
            (
                "<u4",
                bytes!([1u32 << 31, 1], to_le_bytes),
                [2f32.powi(31), 1.0],
            ),
            (
                "<u8",
                bytes!([1u64 << 63, 1], to_le_bytes),
                [2f32.powi(63), 1.0],
            ),
            ("|b1", vec![1, 0], [1.0, 0.0]),
        ] {
            let npy = npy(descr, false, "2,", &elements);
            assert_eq!(open(&npy).unwrap().floats().unwrap(), expected, "{descr}");
        }
        let smallest = npy(">i8", false, "1,", &i64::MIN.to_be_bytes());
        let smallest = open(&smallest).unwrap().integers().unwrap();
        assert_eq!(smallest, [i128::from(i64::MIN)]);
        let largest = npy("<u8", false, "1,", &[0xff; 8]);
        let largest = open(&largest).unwrap().integers().unwrap();
        assert_eq!(largest, [i128::from(u64::MAX)]);
    }

    #[test]
    fn names_are_read_in_both_byte_orders() {
        let names = ["añb", "c"];
        for (descr, big_endian) in [("<U3", false), (">U3", true)] {
            let letters = names.iter().flat_map(|name| {
                let letters = name.chars().map(u32::from).chain([0, 0]);
                letters.take(3).collect::<Vec<_>>()
            });
            let elements: Vec<u8> = letters
                .flat_map(|letter| match big_endian {
                    true => letter.to_be_bytes(),
                    false => letter.to_le_bytes(),
                })
                .collect();
            let npy = npy(descr, false, "2,", &elements);
            assert_eq!(open(&npy).unwrap().texts().unwrap(), names);
        }
    }

    #[test]
    fn fortran_order_becomes_c_order() {
        // np.asfortranarray(np.arange(24).reshape(2, 3, 4)): element (i, j, k) is 12 i + 4 j + k.
        let mut elements = Vec::new();
        for k in 0..4u8 {
            for j in 0..3 {
                elements.extend([4 * j + k, 12 + 4 * j + k]);
            }
        }
        let npy = npy("|u1", true, "2, 3, 4", &elements);
        let expected: Vec<i128> = (0..24).collect();
        assert_eq!(open(&npy).unwrap().integers().unwrap(), expected);
    }

    #[test]
    fn every_cut_and_every_lie_is_an_error() {
        let good = npy("<f4", false, "2, 3", &[0; 24]);
        assert!(open(&good).unwrap().floats().is_ok());
        for length in 0..good.len() {
            let cut = &good[..length];
            assert!(open(cut).is_err(), "{length}");
            // The size is believed by nobody.
            let npy = Npy::new(cut, good.len() as u64);
            assert!(npy.and_then(Npy::floats).is_err(), "{length}");
        }
        let mut long_header = good.clone();
        long_header[6] = 2;
        long_header[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        for (bytes, expected) in [
            (npy("<f4", false, "1000000000000, 3", &[0; 24]), "promises"),
            (
                npy("<f4", false, "18446744073709551615, 3", &[0; 24]),
                "promises",
            ),
            (
                npy("<f4", false, "99999999999999999999, 3", &[0; 24]),
                "dimension",
            ),
            (npy("<f4", false, "-2, -3", &[0; 24]), "dimension"),
            (
                npy("<f4", false, &"1, ".repeat(65), &[0; 4]),
                "65 dimensions",
            ),
            (npy("<U0", false, "1000000000000,", &[]), "type '<U0'"),
            (npy("|O", false, "2,", &[0; 24]), "pickled"),
            (npy("<c8", false, "3,", &[0; 24]), "type '<c8'"),
            (npy("", false, "3,", &[0; 24]), "type ''"),
            (npy("<f4', 'é", false, "3,", &[0; 24]), "promises"),
            (npy("é", false, "3,", &[0; 24]), "type 'é'"),
            (long_header, "claims 4294967295 bytes"),
            (b"PK\x03\x04 not an array".to_vec(), "no .npy array"),
        ] {
            let error = open(&bytes).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn no_changed_byte_of_a_header_panics() {
        let good = npy("<i2", true, "2, 3", &[0; 12]);
        for place in 0..good.len() - 12 {
            for byte in 0..=u8::MAX {
                let mut bytes = good.clone();
                bytes[place] = byte;
                let _ = open(&bytes).and_then(Npy::integers);
            }
        }
    }
}
