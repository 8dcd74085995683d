//! Errors of this crate.

/// What can go wrong while a machine is measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// One of the probe's own networks is not accepted, or cannot be written.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// An engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The machine cannot be described.
    #[error(transparent)]
    Device(#[from] edgefit_device::Error),
    /// There is no room for the probe's networks.
    #[error("cannot write the probe's networks: {0}; point TMPDIR to a folder with room")]
    Folder(std::io::Error),
    /// The process that was to run a model.
    #[error("{engine} in a process of its own: {detail}")]
    Child {
        /// The engine.
        engine: edgefit_engine::EngineName,
        /// How it ended.
        detail: String,
    },
    /// The system does not say how much memory a process took.
    #[error("the system does not tell the peak of a process's memory; the probe needs Linux")]
    NoPeak,
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
