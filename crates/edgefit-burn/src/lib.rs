//! A graph as one burn module, trainable, and its weights back into the graph.
//!
//! Eval and train mode are two types. [`EvalModule`] computes what the exported model computes and
//! nothing else; only it can be made from a graph and written back into one. [`TrainModule`] is
//! made from it with a choice of what to train, takes part in autodiff, and turns back into an
//! [`EvalModule`]. There is no flag to forget.
//!
//! Each op's forward is one function in `ops`, so a faster kernel can replace it without any other
//! change.

mod backend;
mod compile;
mod error;
mod eval_module;
mod fused_step;
mod fusion;
mod gradients;
mod network;
mod ops;
mod parameter;
mod program;
mod recomputation;
mod step_memory;
mod train_module;
mod value;
mod weights;

pub use backend::{Backend, BackendError};
pub use burn;
pub use error::{Error, Result};
pub use eval_module::EvalModule;
pub use gradients::Gradients;
pub use ops::AdamW;
pub use parameter::Parameter;
pub use recomputation::Recomputation;
pub use step_memory::{StepMemory, StepPlan};
pub use train_module::TrainModule;
pub use value::{Floats, Value};
pub use weights::Weights;
