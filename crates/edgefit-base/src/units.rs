//! Quantities with units: parsed from text, and formatted for human-readable output.

pub mod format;
pub mod parse;
mod shape;

pub use parse::{bytes, nanoseconds, plain_bytes};
pub use shape::shape;
