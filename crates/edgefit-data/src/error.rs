//! What can go wrong with a dataset.

use std::path::PathBuf;

/// What can go wrong with a dataset, with the place and the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder or file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not an image that can be decoded.
    #[error("{}: {detail}; remove or replace the file", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder met.
        detail: String,
    },
    /// The folder or file is not a dataset.
    #[error("{}: {problem}", path.display())]
    Dataset {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// The metadata of the model that samples are read for cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
