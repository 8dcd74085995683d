//! Node attributes.

use std::fmt;

use bytes::Bytes;

use crate::proto;
use crate::tensor::Tensor;

/// Value of a node attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A single float.
    Float(f32),
    /// A single integer.
    Int(i64),
    /// A byte string; UTF-8 by convention, not by the format.
    String(Bytes),
    /// A tensor, as in `Constant`.
    Tensor(Tensor),
    /// A list of floats.
    Floats(Vec<f32>),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of byte strings.
    Strings(Vec<Bytes>),
    /// A kind that no supported op reads (type protos, sparse tensors), kept for the round trip.
    Opaque(Opaque),
}

/// An attribute kept as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque(pub(crate) Box<proto::AttributeProto>);

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Attribute::String(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Longest list that is written out.
const WRITTEN: usize = 16;

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Attribute::Float(value) => write!(f, "{value}"),
            Attribute::Int(value) => write!(f, "{value}"),
            Attribute::String(bytes) => write!(f, "'{}'", text(bytes)),
            Attribute::Floats(values) if values.len() <= WRITTEN => write!(f, "{values:?}"),
            Attribute::Ints(values) if values.len() <= WRITTEN => write!(f, "{values:?}"),
            Attribute::Floats(values) => write!(f, "{} floats", values.len()),
            Attribute::Ints(values) => write!(f, "{} integers", values.len()),
            Attribute::Strings(values) => {
                write!(f, "{:?}", values.iter().map(text).collect::<Vec<_>>())
            }
            Attribute::Tensor(tensor) => {
                write!(f, "{:?} tensor {:?}", tensor.dtype(), tensor.dims())
            }
            Attribute::Opaque(_) => f.write_str("of another kind"),
        }
    }
}
