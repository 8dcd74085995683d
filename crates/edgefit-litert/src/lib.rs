//! LiteRT (TensorFlow Lite's runtime), loaded at run time: a `.tflite` file run on the bytes of its one input.
//!
//! [`Model`] runs in this process; a [`Subprocess`] runs one in a process of its own, so that a crash is an error;
//! [`Prepared`] is an ONNX model that is exported for LiteRT first, to be timed.
//!
//! The library is `libLiteRt.so` of the wheel `ai-edge-litert` 2.1.6. Its interface in C changes with its
//! versions, so that no other is looked for; and 2.2.0 and 2.3.0 run their optimised kernels where the reference
//! kernels are asked for.

mod api;
mod error;
mod library;
mod model;
mod prepared;
mod subprocess;

pub use error::{Error, LIBRARY_VARIABLE, Missing, Result};
pub use library::Library;
pub use model::{ElementType, Kernels, Model, Tensor};
pub use prepared::Prepared;
pub use subprocess::{Subprocess, serve};

/// The version of LiteRT whose interface this is.
pub const VERSION: &str = "2.1.6";
