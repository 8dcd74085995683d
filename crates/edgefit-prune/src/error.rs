//! What can go wrong when a model is pruned.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a model is pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph is malformed, or an op of it cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The engine that runs the samples failed.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The samples cannot be read, or a value of the model on them says nothing.
    #[error(transparent)]
    Samples(#[from] edgefit_predict::Error),
    /// The model is quantised.
    #[error(
        "{node} makes this a quantised model; prune the float model that it was made from, and quantise that"
    )]
    Quantized {
        /// The first node that says so.
        node: String,
    },
    /// A weight is not finite.
    #[error("weight '{weight}' of {node} holds NaN or infinity; export the model anew")]
    NonFinite {
        /// The weight.
        weight: String,
        /// The node that reads it.
        node: String,
    },
    /// Every group of channels has to stay.
    #[error("no channel can be removed: {reason}")]
    NothingToPrune {
        /// Why, of the first groups.
        reason: String,
    },
    /// A share that is none.
    #[error("{share} of the channels cannot be kept; give a share above 0 and up to 1")]
    Share {
        /// What was asked for.
        share: f64,
    },
    /// A share at which every channel stays.
    #[error(
        "no channel goes where {share} of them are kept in multiples of {multiple}; give a smaller --keep or \
         --multiple"
    )]
    AllStay {
        /// What was asked for.
        share: f64,
        /// What widths are multiples of.
        multiple: usize,
    },
    /// A budget that is kept already.
    #[error("the model takes {has} {unit}, no more than {budget}; ask for less")]
    Kept {
        /// What it takes.
        has: u64,
        /// What was asked for.
        budget: u64,
        /// Of what.
        unit: &'static str,
    },
    /// A budget that no widths keep.
    #[error(
        "{budget} {unit} cannot be reached by removing channels; the least is {least}, from {has} now"
    )]
    Unreachable {
        /// What was asked for.
        budget: u64,
        /// What the narrowest widths take.
        least: u64,
        /// What the model takes.
        has: u64,
        /// Of what.
        unit: &'static str,
    },
    /// What was made does not hold together; a fault of this crate.
    #[error("{problem}; this is a fault of edgefit, please report it with the model")]
    Inconsistent {
        /// Where, and what.
        problem: String,
    },
}
