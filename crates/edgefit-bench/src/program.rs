//! [`Program`]: what candidates run in.

use std::path::PathBuf;

use edgefit_engine::EngineName;
use edgefit_engine::onnxruntime::Missing;

/// The program that candidates run in.
#[derive(Debug, Clone)]
pub struct Program {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// ONNX Runtime's library, so that no process has to search for it, or why there is none.
    pub onnxruntime: Result<PathBuf, Missing>,
}

impl Program {
    /// Sees that the library of `engine` is there, if it takes one.
    pub(crate) fn has(&self, engine: EngineName) -> Result<(), Missing> {
        match (engine, &self.onnxruntime) {
            (EngineName::OnnxRuntime, Err(missing)) => Err(missing.clone()),
            _ => Ok(()),
        }
    }
}
