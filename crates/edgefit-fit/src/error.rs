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
    /// A device profile.
    #[error(transparent)]
    Device(#[from] edgefit_device::Error),
    /// Choices that do not go together, with the fix.
    #[error("{0}")]
    Choice(String),
    /// No network keeps the budgets; the one that comes nearest.
    #[error("no network of the search fits")]
    NothingFits(Box<Candidate>),
    /// The user ended the search in this folder before a network was chosen.
    #[error(
        "{path}: the search was ended before it chose a network; go on with `edgefit fit --resume {path}` (give \
         --export again, if it was given)",
        path = .0.display()
    )]
    Interrupted(PathBuf),
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

impl Error {
    /// Whether it ends the search, and not only keeps one network out of it: the user's wish, another process in the
    /// folder, a disk that is full.
    pub(crate) fn ends_search(&self) -> bool {
        use edgefit_graph::Error as Graph;
        use edgefit_train::Error as Train;
        matches!(
            self,
            Error::Interrupted(_)
                | Error::Write(_)
                | Error::Graph(Graph::Write(_))
                | Error::Train(Train::Locked(_) | Train::Write(_) | Train::Graph(Graph::Write(_)))
        )
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_folder_or_the_disk_ends_the_search_and_what_concerns_a_network_does_not() {
        let full = || WriteError {
            path: "a".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        let locked = edgefit_train::Error::Locked("a".into());
        let model = edgefit_graph::Error::Write(full());
        for ends in [
            Error::Interrupted("a".into()),
            full().into(),
            locked.into(),
            edgefit_train::Error::Write(full()).into(),
            edgefit_train::Error::Graph(model).into(),
        ] {
            assert!(ends.ends_search(), "{ends}");
        }
        let damaged = edgefit_train::Error::Run {
            path: "a".into(),
            problem: "is damaged".into(),
        };
        assert!(!Error::from(damaged).ends_search());
        let diverged = edgefit_train::Error::Stopped("the loss is non-finite".into());
        assert!(!Error::from(diverged).ends_search());
        assert!(!Error::Choice("the engine runs no form of it".into()).ends_search());
    }
}
