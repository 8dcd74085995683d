//! Quantities with units: read from what people write, and written as people read them.

pub mod format;
pub mod parse;

pub use parse::{bytes, nanoseconds};
