//! What can go wrong with LiteRT, and how to fix it.

use edgefit_engine::child::ChildError;

use crate::VERSION;

/// Environment variable that names the library.
pub const LIBRARY_VARIABLE: &str = "LITERT_DYLIB_PATH";

/// Why there is no LiteRT, and how to get it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "LiteRT is not available: {reason}; `edgefit engine install litert` fetches it, or set {LIBRARY_VARIABLE} to a \
     libLiteRt.so of version {VERSION}"
)]
pub struct Missing {
    /// What was met on the way.
    pub reason: String,
}

/// What can go wrong with LiteRT.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no library.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A function of the library refused.
    #[error("LiteRT {VERSION} refused: {what} (status {status})")]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// Its status.
        status: i32,
    },
    /// The model is none that is run here.
    #[error("{0}")]
    Model(String),
    /// The process that runs it does not start, refuses, or died.
    #[error("LiteRT: {0}")]
    Process(#[from] ChildError),
    /// The files that the two processes share cannot be written or read.
    #[error("LiteRT: its temporary files: {0}")]
    Io(#[from] std::io::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
