//! What is trained, and how: freeze boundaries, learning rates, the loop, tuning.

pub(crate) mod boundary;
pub(crate) mod int8_part;
pub(crate) mod linear_layer;
pub mod lr_find;
pub(crate) mod multipliers;
pub(crate) mod schedule;
pub mod stage;
pub mod stage_memory;
pub(crate) mod trained_part;
pub(crate) mod trainer;
pub mod training;
pub mod training_memory;
pub mod training_trial;
pub mod tune;
pub(crate) mod weights;
