use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

/// What can go wrong with a measurement.
#[derive(Debug, thiserror::Error, Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum Error {
    /// The process of a candidate cannot be started.
    #[error("cannot start {}: {source}", binary.display())]
    Start {
        /// Program.
        binary: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The process of a candidate ended before its work was done.
    #[error("{0}")]
    Died(String),
    /// The process of a candidate says something that is not understood.
    #[error("its process answers '{0}'; use the same build of edgefit everywhere")]
    Answer(String),
    /// Nothing can be asked of the process any more, or nothing told to its parent.
    #[error("the pipe between a candidate and edgefit broke: {0}")]
    Pipe(#[from] std::io::Error),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Words are what is left of an error on its way from another machine.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Error {
    fn from(words: String) -> Self {
        Error::Died(words)
    }
}
