//! The header of an `.npy` file: the type, order and shape of its elements.
//!
//! It is parsed here because it needs so little of Python's grammar: nothing is nested, nothing is
//! allocated that the file does not hold, and every product of dimensions is checked.

use std::io::Read;

/// First bytes of an array.
pub(in crate::arrays) const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header, in bytes; as NumPy's own `max_header_size`.
const MAX_HEADER: usize = 10_000;

/// Most dimensions; as NumPy's own.
const MAX_RANK: usize = 64;

/// What the elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arrays) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// Which index of neighbouring elements differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementOrder {
    /// The last one.
    C,
    /// The first one.
    Fortran,
}

/// A NumPy `dtype` that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementType {
    pub kind: Kind,
    /// Bytes of an element.
    pub width: usize,
    /// Bytes that make a number or a letter.
    pub word: usize,
    pub byte_order: ByteOrder,
}

/// What a header says.
pub(super) struct Header {
    pub element: ElementType,
    pub order: ElementOrder,
    pub shape: Vec<usize>,
    /// Bytes before the elements.
    pub length: u64,
}

impl Header {
    /// Reads as far as the first element.
    pub fn read(reader: &mut impl Read) -> Result<Self, String> {
        let (text, length) = text(reader)?;
        let element = ElementType::parse(field(&text, "descr")?)?;
        let order = match field(&text, "fortran_order")? {
            text if text.starts_with("True") => ElementOrder::Fortran,
            text if text.starts_with("False") => ElementOrder::C,
            _ => return Err(damaged("its 'fortran_order' is neither True nor False")),
        };
        let shape = shape(field(&text, "shape")?)?;
        Ok(Header {
            element,
            order,
            shape,
            length,
        })
    }

    /// The bytes that the elements take; `None` if that is no number of bytes.
    pub fn element_bytes(&self) -> Option<u64> {
        let width = self.element.width;
        let bytes = self
            .shape
            .iter()
            .try_fold(width, |n, dim| n.checked_mul(*dim))?;
        Some(bytes as u64)
    }
}

/// The header, version 1.0, of an array of 32-bit floats in C order.
pub(in crate::arrays) fn floats_header(shape: &[usize]) -> Vec<u8> {
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

/// The text of the header, and the number of bytes before the elements.
fn text(reader: &mut impl Read) -> Result<(String, u64), String> {
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(unreadable)?;
    if !start.starts_with(MAGIC) {
        return Err("is not an .npy array; save it with np.save".into());
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
    let text = String::from_utf8(text).map_err(|_| damaged("its header is not text"))?;
    Ok((text, (start.len() + digits + length) as u64))
}

/// What follows `'name':` in the header.
fn field<'a>(header: &'a str, name: &str) -> Result<&'a str, String> {
    let (_, rest) = header
        .split_once(&format!("'{name}':"))
        .ok_or_else(|| damaged(&format!("its header has no '{name}'")))?;
    Ok(rest.trim_start())
}

impl ElementType {
    /// Parses a `descr` such as `'<f4'`.
    fn parse(descr: &str) -> Result<Self, String> {
        let text = descr
            .strip_prefix('\'')
            .and_then(|text| text.split_once('\''));
        let Some((text, _)) = text else {
            return Err("has structured elements; save each field as an array of its own".into());
        };
        let (byte_order, rest) = match text.strip_prefix(['<', '>', '|', '=']) {
            Some(rest) if text.starts_with('>') => (ByteOrder::Big, rest),
            Some(rest) => (ByteOrder::Little, rest),
            None => (ByteOrder::Little, text),
        };
        let unsupported = || {
            format!("has elements of the type '{text}'; use floats, integers, booleans or names")
        };
        let code = rest.chars().next().ok_or_else(unsupported)?;
        if code == 'O' {
            return Err(
                "is a pickled array of Python objects, which could run code and is not read; save \
                 it with a dtype of numbers, or of str for names, as of y.astype(int) or y.astype(str)"
                    .into(),
            );
        }
        let count: Option<usize> = rest[code.len_utf8()..].parse().ok();
        let (kind, width, word) = match (code, count) {
            ('f', Some(width @ (2 | 4 | 8))) => (Kind::Float, width, width),
            ('i', Some(width @ (1 | 2 | 4 | 8))) => (Kind::Signed, width, width),
            ('u', Some(width @ (1 | 2 | 4 | 8))) => (Kind::Unsigned, width, width),
            ('b', Some(1)) => (Kind::Bool, 1, 1),
            ('U', Some(letters @ 1..=MAX_HEADER)) => (Kind::Text, 4 * letters, 4),
            ('S', Some(letters @ 1..=MAX_HEADER)) => (Kind::Text, letters, 1),
            _ => return Err(unsupported()),
        };
        Ok(ElementType {
            kind,
            width,
            word,
            byte_order,
        })
    }
}

/// The dimensions in `(3, 4)`.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.split_once(')'))
        .ok_or_else(|| damaged("its header has no shape"))?
        .0;
    let dims = inside.split(',').map(str::trim);
    let dims: Vec<usize> = dims
        .filter(|dim| !dim.is_empty())
        .map(|dim| {
            dim.parse()
                .map_err(|_| damaged(&format!("a dimension is '{dim}'")))
        })
        .collect::<Result<_, _>>()?;
    if dims.len() > MAX_RANK {
        return Err(damaged(&format!("it has {} dimensions", dims.len())));
    }
    Ok(dims)
}

pub(super) fn damaged(problem: &str) -> String {
    format!("is damaged ({problem}); save it again")
}

pub(super) fn unreadable(error: std::io::Error) -> String {
    damaged(&error.to_string())
}
