//! What can go wrong between a process and its child.

use std::path::PathBuf;
use std::time::Duration;

use crate::onnxruntime::Missing;

/// What can go wrong between the two processes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// It cannot be started.
    #[error("cannot start {}: {source}", binary.display())]
    Start {
        /// Program.
        binary: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The library of its engine is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It lives, and cannot do what it was asked; its own words.
    #[error("{0}")]
    Refused(String),
    /// It ended before its work was done; its last words, or the signal.
    #[error("{0}")]
    Died(String),
    /// It said nothing for so long, and was killed.
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// It says something that is not understood.
    #[error("its process answers '{0}'; use the same build of edgefit everywhere")]
    Answer(String),
    /// Nothing can be asked of it any more, or nothing told to its parent.
    #[error("the pipe between edgefit and a process of its own broke: {0}")]
    Pipe(#[from] std::io::Error),
}
