//! From files to what training works on: the model, samples, splits, features, targets.

pub(crate) mod detect_preprocessing;
pub(crate) mod feature_cache;
pub mod features;
pub mod inference;
pub(crate) mod input;
pub(crate) mod model;
pub mod preparation;
pub mod source;
pub(crate) mod split;
pub(crate) mod target_transform;
pub mod targets;
pub mod unreadable;
