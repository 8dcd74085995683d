//! What can go wrong in a search.

use std::path::PathBuf;

use edgefit_base::file::WriteError;

use crate::candidate::Candidate;

/// What can go wrong in a search, with the place and the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// Quantisation of a candidate.
    #[error(transparent)]
    Quantization(#[from] edgefit_quant::Error),
    /// Channels cannot be taken out of a network.
    #[error(transparent)]
    Prune(#[from] edgefit_prune::Error),
    /// The data, a backbone, or training.
    #[error(transparent)]
    Train(#[from] edgefit_train::Error),
    /// Choices that do not go together, with the fix.
    #[error("{0}")]
    Choice(String),
    /// No network keeps the budgets; the one that comes nearest.
    #[error("no network of the search fits")]
    NothingFits(Box<Candidate>),
    /// The folder of a search.
    #[error("{} {problem}", path.display())]
    Run {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
