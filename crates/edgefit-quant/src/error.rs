//! What can go wrong when a model is quantised.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a model is quantised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph is malformed, or an op of it cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The engine that runs the samples failed.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The samples cannot be read, or a value or output of the model on them says nothing.
    #[error(transparent)]
    Samples(#[from] edgefit_predict::Error),
    /// A scheme cannot be read.
    #[error("scheme {place}: {problem}")]
    Scheme {
        /// Name or file of the scheme.
        place: String,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// The model is quantised already.
    #[error(
        "{node} makes this a quantised model already; start from the float model that it was made from"
    )]
    AlreadyQuantized {
        /// The first node that says so.
        node: String,
    },
    /// The model was quantised with scales that are worked out at every run.
    #[error(
        "{node} quantises its input anew at every run (dynamic quantisation); start from the float model \
         that this one was made from"
    )]
    DynamicallyQuantized {
        /// The first node that says so.
        node: String,
    },
    /// The opset of the model is beyond what the scheme allows, and nodes mean something else below.
    #[error(
        "scheme {scheme} takes opsets {min} to {max}, the model has {opset}, and {nodes} cannot be said in \
         opset {max}; export the model with opset {max}"
    )]
    Opset {
        /// The scheme.
        scheme: String,
        /// Lowest opset of the scheme.
        min: i64,
        /// Highest opset of the scheme.
        max: i64,
        /// Opset of the model.
        opset: i64,
        /// The nodes.
        nodes: String,
    },
    /// The opset of the model is below what the scheme allows, and cannot be raised as far.
    #[error(
        "scheme {scheme} takes opsets {min} to {max}, and the model has {opset}; export it with opset {min} to {max}"
    )]
    OldOpset {
        /// The scheme.
        scheme: String,
        /// Lowest opset of the scheme.
        min: i64,
        /// Highest opset of the scheme.
        max: i64,
        /// Opset of the model.
        opset: i64,
    },
    /// No node is of an op that the scheme quantises.
    #[error("no node is of an op that scheme {scheme} quantises ({ops})")]
    NothingToQuantize {
        /// The scheme.
        scheme: String,
        /// Its ops.
        ops: String,
    },
    /// What was trained cannot be written.
    #[error("trained '{parameter}' {problem}")]
    Trained {
        /// Name of the parameter.
        parameter: String,
        /// What is wrong.
        problem: String,
    },
}
