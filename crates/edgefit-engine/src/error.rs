//! What can go wrong with an engine.

use crate::engine_name::EngineName;
use crate::words::readable;

/// What can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph cannot be cut open.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// ONNX Runtime's library is not there.
    #[error("{0}")]
    NoOnnxRuntime(#[from] crate::onnxruntime::discover::Missing),
    /// ONNX Runtime cannot use a GPU.
    #[error(
        "ONNX Runtime's CUDA provider is not available: {reason}; it takes an NVIDIA driver, CUDA and \
         cuDNN where the loader finds them, and the library of the `onnxruntime-gpu` package, named \
         in {}",
        crate::onnxruntime::discover::LIBRARY_VARIABLE
    )]
    NoCuda {
        /// What is missing.
        reason: String,
    },
    /// The engine does not take the model.
    #[error("{engine} cannot load the model: {detail}")]
    Load {
        /// The engine.
        engine: EngineName,
        /// What it said.
        detail: String,
    },
    /// The engine, in a process of its own, does not load or run the model; its own words.
    #[error("{0}")]
    Refused(String),
    /// The process of the engine ended before its work was done.
    #[error("{engine} crashed: {detail}")]
    Crashed {
        /// The engine.
        engine: EngineName,
        /// Its last words, or the signal.
        detail: String,
    },
    /// The engine fails on a batch.
    #[error("{engine} cannot run the model: {detail}")]
    Run {
        /// The engine.
        engine: EngineName,
        /// What it said.
        detail: String,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn load(engine: EngineName, detail: impl std::fmt::Display) -> Self {
        Error::Load {
            engine,
            detail: readable(&format!("{detail:#}")),
        }
    }

    pub(crate) fn crashed(engine: EngineName, detail: impl std::fmt::Display) -> Self {
        Error::Crashed {
            engine,
            detail: readable(&detail.to_string()),
        }
    }

    pub(crate) fn run(engine: EngineName, detail: impl std::fmt::Display) -> Self {
        Error::Run {
            engine,
            detail: readable(&format!("{detail:#}")),
        }
    }
}
