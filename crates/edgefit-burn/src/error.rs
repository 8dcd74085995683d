//! What can go wrong when a graph runs in burn.

/// What can go wrong when a graph runs in burn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph cannot be turned into a module.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// An op cannot run on the values it was given.
    #[error("{node}: {problem}")]
    Node {
        /// The node.
        node: String,
        /// Which shapes do not go together, or which form is not supported.
        problem: String,
    },
    /// The number of inputs is not the graph's.
    #[error("{given} inputs were given, and the graph has {expected}; give one for each")]
    Inputs {
        /// How many there were.
        given: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A value cannot be read back from the device.
    #[error("cannot read a tensor back: {0}")]
    ReadBack(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
