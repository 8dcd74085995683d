//! What can go wrong before anything is compared.

/// What can go wrong before anything is compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No engine runs the model, or the one that was asked for is not there.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The model cannot be read or changed.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The images or arrays cannot be read.
    #[error(transparent)]
    Data(#[from] edgefit_data::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] edgefit_base::file::WriteError),
    /// A folder for temporary files cannot be made, or a file system fails otherwise.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What was given does not go with the model; the place and the fix.
    #[error("{0}")]
    Invalid(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Error::Invalid(words.into())
    }
}
