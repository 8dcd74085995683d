//! From files to what training works on: the model, samples, splits, features, targets.

pub(crate) mod array_shape;
pub(crate) mod assignment;
pub(crate) mod cache_size;
pub(crate) mod clean_features;
pub(crate) mod contents;
pub(crate) mod copies;
pub(crate) mod detect_preprocessing;
pub(crate) mod feature_cache;
pub mod features;
pub mod inference;
pub(crate) mod input;
pub(crate) mod model;
pub mod preparation;
pub(crate) mod preprocessing_candidates;
pub(crate) mod read_ahead;
pub(crate) mod readable;
pub(crate) mod sample_features;
pub(crate) mod scales_inside;
pub(crate) mod some_images;
pub mod source;
pub(crate) mod split;
pub(crate) mod target_transform;
pub mod targets;
pub(crate) mod teacher_model;
pub mod unreadable;
