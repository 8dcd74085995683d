//! A figure with how it is known and its source.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Something known about a device, how it is known, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a figure such as { value = 4, kind = \"estimate\", source = \"why\" }"
)]
pub struct Figure<T = u64> {
    /// What is known; a number is in the unit that the field's name ends in.
    pub value: T,
    /// How it is known.
    pub kind: Basis,
    /// Document, command or reasoning behind it.
    #[serde(deserialize_with = "not_empty")]
    pub source: String,
}

impl<T> Figure<T> {
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Figure<U> {
        Figure {
            value: convert(self.value),
            kind: self.kind,
            source: self.source,
        }
    }
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let source = String::deserialize(deserializer)?;
    if source.trim().is_empty() {
        return Err(D::Error::custom(
            "the source is empty; name the document, the command or the reasoning",
        ));
    }
    Ok(source)
}

/// How a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// The maker says so.
    #[serde(rename = "data sheet")]
    DataSheet,
    /// Measured on the device.
    #[serde(rename = "measured")]
    Measured,
    /// Reasoned, with a margin.
    #[serde(rename = "estimate")]
    Estimate,
}
