//! Quantities with units: parsed from text, and formatted for human-readable output.

pub mod format;
pub mod parse;
mod shape;
mod share;

pub use parse::{bytes, nanoseconds, plain_bytes};
pub use shape::{shape, shape_argument};
pub use share::share;
