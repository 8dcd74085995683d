//! Node attributes.

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::graph::Node;
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

impl Node {
    /// The integer attribute `name`, or `default` when it is absent.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(value)) => Ok(*value),
            Some(_) => Err(self.attribute_kind(name, "an integer")),
        }
    }

    /// The float attribute `name`, or `default` when it is absent.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(_) => Err(self.attribute_kind(name, "a float")),
        }
    }

    /// The integer list attribute `name`, if present.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Ints(values)) => Ok(Some(values)),
            Some(_) => Err(self.attribute_kind(name, "a list of integers")),
        }
    }

    /// The string attribute `name`, or `default` when it is absent.
    pub fn string_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::String(bytes)) => {
                std::str::from_utf8(bytes).map_err(|_| self.attribute_kind(name, "UTF-8 text"))
            }
            Some(_) => Err(self.attribute_kind(name, "a string")),
        }
    }

    /// The tensor attribute `name`, if present.
    pub fn tensor(&self, name: &str) -> Result<Option<&Tensor>> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(self.attribute_kind(name, "a tensor")),
        }
    }

    fn attribute_kind(&self, name: &str, expected: &str) -> Error {
        Error::invalid(
            format!("{}, attribute '{name}'", self.place()),
            format!("is not {expected}"),
        )
    }
}
