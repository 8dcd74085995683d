//! What a run leaves in its folder.

pub(crate) mod checkpoint;
pub(crate) mod event;
pub(crate) mod folder;
pub mod report;
pub mod saved_model;
pub mod split_file;
