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
    /// The samples cannot be read.
    #[error(transparent)]
    Samples(Box<dyn std::error::Error + Send + Sync>),
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
    /// A value is not finite.
    #[error(
        "value '{value}' of {node} is NaN or infinite on sample {sample}; fix the model, or leave out the \
         sample"
    )]
    NonFinite {
        /// The value.
        value: String,
        /// The node that makes it.
        node: String,
        /// The sample, from 1.
        sample: usize,
    },
    /// There are no samples.
    #[error("there are no calibration samples; give at least one, better a hundred")]
    NoSamples,
    /// All samples are the same.
    #[error(
        "all {count} calibration samples are alike, and say nothing of the range of the values; give samples \
         such as the device will see"
    )]
    AllAlike {
        /// How many.
        count: usize,
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
    /// An output has no row for each sample.
    #[error(
        "output '{output}' has the shape {dims:?} for {samples} samples, not a row for each; export the \
         model with an open batch size"
    )]
    NoRows {
        /// The output.
        output: String,
        /// Its shape.
        dims: Vec<usize>,
        /// Samples of the batch.
        samples: usize,
    },
}
