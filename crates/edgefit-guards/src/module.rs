//! Evidence from any burn `Module`: gradients, updates, activations and outputs as plain numbers.
//! Those of gradients and updates are computed on the device; only the numbers are copied to the host.

mod activations;
mod gradients;
mod path;
mod scalars;
#[cfg(test)]
mod tests;
mod updates;

pub use activations::{layer, outputs};
pub use gradients::{ParameterGradient, compare, global_norm, gradients};
pub use updates::{NO_UPDATE, Update, ZERO, updates};

/// Rank from which on a parameter is a weight; those below are biases and normalisation.
pub const WEIGHT_RANK: usize = 2;
