//! How good a model is: figures, baselines, and the exported file in every engine.

pub mod baselines;
pub(crate) mod exported;
pub mod flips;
pub mod metrics;
pub mod mistakes;
pub mod saliency;
pub(crate) mod split_metrics;
