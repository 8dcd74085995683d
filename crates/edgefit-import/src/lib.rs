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
mod head;
mod imported;
mod layout;
mod report;
mod variant;
mod weight_set;
mod weights_in;

pub use arch::ARCHITECTURES;
pub use architecture::{Architecture, Choices};
pub use checkpoint::Checkpoint;
pub use error::{Error, Missing, Result};
pub use imported::Imported;
pub use report::Report;
pub use variant::{UnknownVariant, Variant};
pub use weight_set::WeightsChoice;
pub use weights_in::weights_in;
