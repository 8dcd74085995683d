//! The end-to-end tests: the real binary on real weights and photographs, one module a subject.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

mod architectures;
mod arrays;
mod backbones;
mod bad_input;
mod bench;
mod cases;
mod check;
mod conformance;
mod cost;
mod demo;
mod fit;
mod guards;
mod import;
mod inspect;
mod int8;
mod micro;
mod mlflow;
mod model_forms;
mod mutations;
mod predict;
mod probe;
mod prune;
mod prune_backbones;
mod quantize;
mod quantize_backbones;
mod quantized;
#[cfg(unix)]
mod remote;
mod report;
mod resume;
mod round_trip;
mod runs;
mod terminal;
mod train;
mod tune;
mod verify;
mod without_onnxruntime;
