//! Quantities with units: parsed from text, and formatted for human-readable output.

pub mod format;
pub mod parse;

pub use parse::{bytes, nanoseconds};
