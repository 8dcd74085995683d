//! The probe: measures the machine it runs on into a device profile.
//!
//! [`rates`] times every class of op in every engine, [`footprint`] weighs their processes, and
//! [`calibrate`] tells how far the predictions made from both are off on networks that neither saw.

mod bandwidth;
pub mod calibrate;
mod chain;
mod error;
pub mod footprint;
mod machine;
mod probe;
mod products;
pub mod rates;
mod small_ops;

pub use error::{Error, Result};
pub use probe::{Probed, Progress, Request, probe};
