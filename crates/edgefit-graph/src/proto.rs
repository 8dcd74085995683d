//! Protobuf messages of the ONNX format, as generated.
//!
//! prost bounds the nesting of messages and hands out `bytes` fields as slices of the input, so
//! the weights of a mapped file are never copied.

#[allow(missing_docs, clippy::all, clippy::unwrap_used)]
mod onnx;

pub use onnx::*;
