//! What the guards are shown of a run.

mod activations;
pub(crate) mod after_training;
mod before_training;
pub(crate) mod device;
pub(crate) mod evidence;
pub(crate) mod exported;
mod layers;
mod preflight;
mod similarity;
pub(crate) mod stop;
pub(crate) mod tuning_range;
pub(crate) mod untrained;
