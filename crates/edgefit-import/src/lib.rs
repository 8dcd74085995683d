//! The import crate: a checkpoint from PyTorch or safetensors becomes a [`Graph`], without Python.
//!
//! A [`Checkpoint`] is a set of named tensors; an [`Architecture`] is a short table-like builder
//! that asks for the tensors it needs. Nothing in a checkpoint is executed.
//!
//! [`Graph`]: edgefit_graph::Graph

pub mod arch;
mod architecture;
mod builder;
mod checkpoint;
mod error;

pub use arch::ARCHITECTURES;
pub use architecture::Architecture;
pub use builder::Imported;
pub use checkpoint::Checkpoint;
pub use error::{Error, Missing, Result};
