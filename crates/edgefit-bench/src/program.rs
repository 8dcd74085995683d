//! [`Program`]: what candidates run in.

use std::path::PathBuf;

/// The program that candidates run in.
#[derive(Debug, Clone)]
pub struct Program {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// ONNX Runtime's library, if it was found, so that no process has to search for it.
    pub onnxruntime: Option<PathBuf>,
}
