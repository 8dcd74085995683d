//! Evidence from any burn `Module`: gradients, updates, activations and outputs as plain numbers.

mod activations;
mod gradients;
#[cfg(test)]
mod tests;
mod updates;

pub use activations::{layer, outputs};
pub use gradients::{ParameterGradient, compare, global_norm, gradients};
pub use updates::{NOTHING, Update, ZERO, updates};

/// Rank from which on a parameter is a weight; below are biases and normalisation.
pub const WEIGHT_RANK: usize = 2;

/// Where a visitor is in a module.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        self.0.join(".")
    }
}
