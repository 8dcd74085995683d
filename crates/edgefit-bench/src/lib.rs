//! The stopwatch: candidates in processes of their own, in turns, and what their times say.
//!
//! [`Session::here`] measures, [`statistics::Summary`] sums up, [`compare::paired`] compares,
//! [`context::Context`] tells the state of the machine. [`worker::serve`] is the child's side.

mod affinity;
mod beside;
pub mod compare;
pub mod context;
mod energy;
mod error;
mod files;
mod histogram;
mod process;
pub mod schedule;
mod session;
pub mod statistics;
pub mod worker;

pub use beside::{Seen, Sources};
pub use edgefit_engine::child::Launch;
pub use error::{Error, Result};
pub use histogram::{Bar, histogram};
pub use process::Process;
pub use session::Session;
