//! What a run leaves in its folder.

pub(crate) mod changes;
pub(crate) mod checkpoint;
pub(crate) mod document;
pub(crate) mod event;
pub mod exported_file;
pub(crate) mod folder;
pub mod int8_report;
pub mod job_file;
pub(crate) mod listed;
pub(crate) mod lock;
pub(crate) mod manifest;
pub(crate) mod mlflow;
pub(crate) mod occupant;
pub(crate) mod publish;
pub(crate) mod refusal;
pub mod report;
pub mod sample_sets;
pub mod saved_model;
pub mod split_file;
pub(crate) mod tensorboard;
