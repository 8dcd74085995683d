//! The device room: what a board can do.
//!
//! A [`Profile`] is data: one TOML file a board, in `profiles/` or the user's own, each figure with
//! its source. [`find()`] looks one up; `host` is measured from the machine edgefit runs on, whose
//! GPUs [`gpu`] reads.

pub mod calibration;
mod error;
mod find;
pub mod footprint;
pub mod gpu;
mod host;
pub mod profile;
pub mod rates;
mod source;

pub use error::{Error, Result};
pub use find::{find, list};
pub use gpu::{Gpu, Gpus, Reading};
pub use host::host;
pub use profile::{
    ArenaLayout, Bank, Basis, Class, Content, ElementType, Engine, Figure, Profile, WeightsIn,
};
