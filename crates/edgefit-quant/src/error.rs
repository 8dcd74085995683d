//! What can go wrong when a model is quantised.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a model is quantised.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The graph is malformed, or an op of it cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The engine that runs the calibration samples failed.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// A scheme cannot be read.
    #[error("scheme {place}: {problem}")]
    Scheme {
        /// Name or file of the scheme.
        place: String,
        /// What is wrong, and the mend.
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
    /// A weight or value is of a type other than 32-bit floats.
    #[error("'{value}' is of type {dtype}; int8 starts from a model of 32-bit floats")]
    NotFloat32 {
        /// The weight.
        value: String,
        /// Its type.
        dtype: String,
    },
    /// Calibration met a value that is not finite.
    #[error(
        "value '{value}' of {node} is NaN or infinite on calibration sample {sample}; mend the model or \
         leave out the sample"
    )]
    NonFinite {
        /// The value.
        value: String,
        /// The node that makes it.
        node: String,
        /// The sample, from 1.
        sample: usize,
    },
    /// There are no calibration samples.
    #[error("there are no calibration samples; give at least one, better a hundred")]
    NoSamples,
    /// No node is of an op that the scheme quantises.
    #[error("no node is of an op that scheme {scheme} quantises ({ops})")]
    NothingToQuantize {
        /// The scheme.
        scheme: String,
        /// Its ops.
        ops: String,
    },
}
