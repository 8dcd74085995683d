//! What the guards are shown of a run.

mod activations;
mod before_training;
pub(crate) mod course;
pub(crate) mod device;
pub(crate) mod evidence;
pub(crate) mod exported;
mod layers;
mod preflight;
pub(crate) mod search;
mod similarity;
pub(crate) mod stop;
