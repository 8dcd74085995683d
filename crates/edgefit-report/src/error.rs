//! What can go wrong when a page is made.

use std::path::{Path, PathBuf};

/// What can go wrong when a page is made, with the place and the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder is not that of a run that came to its end, or a file in it is damaged.
    #[error("{}: {problem}", path.display())]
    Run {
        /// The folder, or the file.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A document has no page, or lacks something.
    #[error("the document '{schema}' {problem}")]
    Document {
        /// Name and version of the document.
        schema: String,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A page cannot be written.
    #[error(transparent)]
    Write(#[from] edgefit_base::file::WriteError),
    /// A template cannot be filled.
    #[error("the page cannot be made: {0}")]
    Template(#[from] askama::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn run(path: &Path, problem: impl Into<String>) -> Self {
        Error::Run {
            path: path.to_path_buf(),
            problem: problem.into(),
        }
    }
}
