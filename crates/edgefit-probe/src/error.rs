/// What can go wrong while a machine is measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One of the probe's own networks is not accepted.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// An engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
