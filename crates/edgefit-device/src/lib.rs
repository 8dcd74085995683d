//! What a board can do: device profiles, this machine, and its GPUs.
//!
//! A [`Profile`] is data: one TOML file a board, in `profiles/` or the user's own, each figure with
//! its source. [`find()`] looks one up; `host` is measured from the machine edgefit runs on, whose
//! GPUs [`gpu`] reads.

pub mod calibration;
mod cgroup;
mod element_type;
mod engine_id;
mod engine_ops;
mod error;
mod find;
pub mod gpu;
mod host;
mod op_class;
pub mod process_memory;
pub mod profile;
pub mod rates;
mod read;

pub use element_type::ElementType;
pub use engine_id::EngineId;
pub use error::{Error, Result};
pub use find::{find, list};
pub use gpu::{Gpu, Gpus, Reading};
pub use host::{HOST, host};
pub use profile::{ArenaLayout, Bank, Basis, Class, Content, Engine, Figure, Profile, WeightsIn};
