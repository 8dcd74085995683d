//! What can go wrong with a measurement.

use std::path::PathBuf;

use edgefit_base::schema;
use edgefit_engine::child::{ChildError, Refusal};
use serde::{Deserialize, Serialize, Serializer};

/// What can go wrong with a measurement.
#[derive(Debug, thiserror::Error, Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum Error {
    /// The process of a candidate cannot be started, died, or is not understood.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The board cannot be reached, or fails.
    #[error(transparent)]
    Remote(#[from] edgefit_remote::Error),
    /// A file cannot be named to another process.
    #[error("{}: the name is not UTF-8; rename the file", .0.display())]
    NotUtf8(PathBuf),
    /// A model cannot be copied for a board.
    #[error("cannot copy {}: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A baseline cannot be read.
    #[error("cannot read --baseline {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds no results of an earlier call.
    #[error("--baseline {}: not what `edgefit bench --json` writes: {source}", path.display())]
    NotABaseline {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        source: schema::Error,
    },
    /// A model that is to be measured cannot be; the reason and the fix.
    #[error("{0}")]
    Unmeasurable(String),
    /// A plan cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Results cannot be written as comma-separated values.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error crosses to another machine as its message.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Error {
    fn from(words: String) -> Self {
        ChildError::Died(words).into()
    }
}

/// The child tells its parent.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Engine(error) => error.into(),
            other => Refusal::Failed(other.to_string()),
        }
    }
}
