//! Human-readable texts that several commands print.

pub mod check;
pub mod profile;
