//! The probe: measures the machine it runs on into a device profile.

mod chain;
mod error;
mod products;
pub mod rates;
mod small_ops;

pub use error::{Error, Result};
