//! What commands found, as pages that people look at.
//!
//! [`training_page`] reads the folder of a run and makes one file of it: no script, nothing that is fetched,
//! [`MOST_BYTES`] at most. What it shows is in [`document`]s that other crates wrote, so nothing is trained or
//! run here, and this crate needs none of those that do.

mod benchmark;
mod chart;
mod check;
mod comparison;
mod dataset;
pub mod document;
mod document_page;
mod error;
mod handover;
mod index;
mod page;
mod quantization;
mod run;
#[cfg(test)]
mod sample_run;
mod section;
mod sheet;
mod stopped;
mod thumbnail;
mod training;
mod verification;
mod words;

pub use check::{Checked, check_page};
pub use comparison::comparison_page;
pub use dataset::data_page;
pub use document_page::document_page;
pub use error::{Error, Result};
pub use handover::{DESCRIPTION, SCRIPT, hand_over};
pub use index::{Figures, Index, Indexed, State, index};
pub use page::{MOST_BYTES, Page};
pub use section::Advice;
pub use training::training_page;
