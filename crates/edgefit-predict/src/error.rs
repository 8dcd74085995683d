//! What can go wrong with a prediction.

use std::path::{Path, PathBuf};

/// What can go wrong with a prediction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine cannot load the model, or not run it.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The model's metadata cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The images or arrays cannot be read.
    #[error(transparent)]
    Data(#[from] edgefit_data::Error),
    /// The samples and the model do not go together; the place and the fix.
    #[error("{0}")]
    Invalid(String),
    /// A problem with a file that its error does not name.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The model, or the samples.
        path: PathBuf,
        /// The problem.
        source: Box<Error>,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Error::Invalid(words.into())
    }

    /// Puts the name of a file before an error.
    pub(crate) fn in_file<E: Into<Error>>(path: &Path) -> impl Fn(E) -> Error {
        move |error| Error::InFile {
            path: path.to_path_buf(),
            source: Box::new(error.into()),
        }
    }
}
