//! Why something could not be fetched.

use std::path::PathBuf;

/// Why something could not be fetched, and how to go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program that fetches is missing or fails.
    #[error("cannot fetch {what}: {problem}")]
    Fetch {
        /// What was to be fetched.
        what: &'static str,
        /// What happened.
        problem: String,
    },
    /// What came is not what was asked for.
    #[error("{what} came with the SHA-256 {found}, not the pinned {expected}; nothing was kept")]
    WrongHash {
        /// What was fetched.
        what: &'static str,
        /// Hash of what came.
        found: String,
        /// Pinned hash.
        expected: &'static str,
    },
    /// The cache folder cannot be used.
    #[error("cannot use the cache folder {}: {source}; set EDGEFIT_CACHE to another", path.display())]
    Cache {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
