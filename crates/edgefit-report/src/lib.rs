//! What commands found, as pages that people look at.
//!
//! [`training_page`] reads the folder of a run and makes one file of it: no script, nothing that is fetched,
//! [`MOST_BYTES`] at most. What it shows is in [`document`]s that other crates wrote, so nothing is trained or
//! run here, and this crate needs none of those that do.

mod chart;
pub mod document;
mod error;
mod page;
mod run;
mod section;
mod thumbnail;
mod training;
mod words;

pub use error::{Error, Result};
pub use page::{MOST_BYTES, Page};
pub use section::Advice;
pub use training::training_page;
