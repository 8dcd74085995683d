//! What a person sees in a terminal: results, warnings and errors as lines, progress, tables, and the
//! reports of the other crates as human-readable text.
//!
//! [`report`] has a function for each report. What it returns, [`message::result`] makes fit for stdout.

pub mod message;
mod page;
mod paint;
pub mod progress;
pub mod report;
mod table;

pub use table::{Table, table};
