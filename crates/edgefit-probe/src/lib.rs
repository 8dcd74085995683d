//! Measures the machine it runs on into a device profile (`edgefit device probe`).
//!
//! `op_rates` times every class of op in every engine, `process_memory` measures the memory of their
//! processes, and `calibrate` finds how far the predictions made from both are off on networks that
//! neither was measured on.

mod bandwidth;
mod calibrate;
mod chain;
mod conv_matmul_chains;
mod error;
mod machine;
mod op_rates;
mod own_process;
mod probe;
mod probed;
mod process_memory;
mod small_ops;

pub use error::{Error, Result};
pub use own_process::OwnProcess;
pub use probe::{Progress, Request, probe};
pub use probed::{Probed, profile_name};
pub use process_memory::InOwnProcess;
