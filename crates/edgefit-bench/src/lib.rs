//! Latency, memory and energy of models: candidates run in processes of their own, in turns.
//!
//! [`Plan::run_here`] measures on this machine and [`measure_on_board`] on another one, [`Report`] sums
//! up and compares. Below them, [`schedule`] has the processes take turns, [`statistics::Summary`] sums
//! up times and [`ratio::paired`] compares them. [`worker::serve`] is the child's side. What a check of a
//! model learns by running it comes from [`trials`] and [`measure`].

mod affinity;
mod assertion;
mod baseline;
mod candidate;
mod columns;
mod comparison;
pub mod context;
mod energy;
mod error;
pub mod export;
mod gpu;
mod histogram;
mod measured;
mod plan;
mod process;
mod profile_by_block;
mod program;
pub mod ratio;
mod report;
mod result;
mod run_once;
pub mod schedule;
mod sensors;
mod session;
pub mod statistics;
mod sysfs;
mod trial;
pub mod warning;
pub mod worker;

pub use assertion::{Assertion, Judged};
pub use baseline::{Baseline, SCHEMA};
pub use candidate::Candidate;
pub use columns::{header, row};
pub use comparison::{Basis, Comparison};
pub use error::{Error, Result};
pub use gpu::{GpuFigures, Range};
pub use histogram::Bar;
pub use measured::{MeasuredModel, Place, measure};
pub use plan::{Plan, SESSION_SCHEMA, measure_on_board};
pub use profile_by_block::TimeSum;
pub use program::Program;
pub use report::{Failure, Report};
pub use result::{BenchResult, Hardware, LaunchFigures, Outlier};
pub use run_once::run_once;
pub use sensors::{Readings, Sources};
pub use session::Session;
pub use trial::{ModelFile, Start, trials};
pub use warning::Warning;
