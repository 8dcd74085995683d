//! The burn room: a graph as one burn module, trainable, and its weights back into the graph.
//!
//! Eval and train mode are two types. [`EvalModule`] computes what the exported model computes and
//! nothing else; only it can be made from a graph and written back into one. [`TrainModule`] is
//! made from it with a choice of what to train, takes part in autodiff, and turns back into an
//! [`EvalModule`]. There is no flag to forget.
//!
//! Each op's forward sits behind one function in `ops`, so a faster kernel can take its place
//! without anything outside knowing.

mod compile;
mod error;
mod eval;
mod gradients;
mod memory;
mod network;
mod ops;
mod program;
#[cfg(test)]
mod tests;
mod train;
mod value;

pub use burn;
pub use error::{Error, Result};
pub use eval::{EvalModule, Weights};
pub use gradients::Gradients;
pub use memory::StepMemory;
pub use train::{Parameter, TrainModule};
pub use value::{Floats, Value};
