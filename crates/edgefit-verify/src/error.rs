//! What can go wrong before anything is compared.

use std::path::{Path, PathBuf};

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
    /// The model is no integer program, or has no form in LiteRT.
    #[error(transparent)]
    Micro(#[from] edgefit_micro::Error),
    /// The compiler or the emulator.
    #[error(transparent)]
    Tool(#[from] edgefit_micro::target::ToolError),
    /// LiteRT is not there, or refuses.
    #[error(transparent)]
    LiteRt(#[from] edgefit_litert::Error),
    /// The samples cannot be read.
    #[error(transparent)]
    Samples(#[from] edgefit_predict::Error),
    /// The memory of this machine is not known.
    #[error(transparent)]
    Device(#[from] edgefit_device::Error),
    /// A problem with a file that its error does not name.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The model.
        path: PathBuf,
        /// The problem.
        source: Box<Error>,
    },
    /// What was given does not go with the model; the place and the fix.
    #[error("{0}")]
    Invalid(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Puts the name of a file before an error.
    pub(crate) fn in_file<E: Into<Error>>(path: &Path) -> impl Fn(E) -> Error {
        move |error| Error::InFile {
            path: path.to_path_buf(),
            source: Box::new(error.into()),
        }
    }

    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Error::Invalid(words.into())
    }
}
