//! What a person sees in a terminal: results, warnings and errors as lines, progress, tables, and the
//! reports of the other crates as human-readable text.
//!
//! [`Output`] prints them. [`report`] has a function for each report. What it returns, [`message::result`] makes fit for stdout.

mod connection_steps;
pub mod message;
mod output;
mod page;
mod paint;
pub mod progress;
pub mod report;
#[cfg(feature = "train")]
mod run_pages;
mod table;

pub use connection_steps::ConnectionSteps;
pub use output::{Format, Outcome, Output};
#[cfg(feature = "train")]
pub use run_pages::{advice, present_run, present_search};
pub use table::{Table, table};
