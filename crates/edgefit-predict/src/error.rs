//! What can go wrong with a prediction.

use std::path::{Path, PathBuf};

use edgefit_graph::Graph;
use edgefit_graph::topology::Topology;

/// What can go wrong with a prediction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine cannot load the model, or not run it.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The model's metadata cannot be read.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// The images or arrays cannot be read.
    #[error(transparent)]
    Data(#[from] edgefit_data::Error),
    /// The samples and the model do not go together; the place and the fix.
    #[error("{0}")]
    Invalid(String),
    /// Samples of another kind cannot be read.
    #[error(transparent)]
    Samples(Box<dyn std::error::Error + Send + Sync>),
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
    /// A problem with a file that its error does not name.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The model, or the samples.
        path: PathBuf,
        /// The problem.
        source: Box<Error>,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// That `value` of `graph` is not finite on the sample with that number, from 1.
    pub fn non_finite(graph: &Graph, value: &str, sample: usize) -> Self {
        let producer = Topology::of(graph).producer(value);
        Error::NonFinite {
            value: value.to_owned(),
            node: producer.map_or_else(
                || "the samples themselves".to_owned(),
                |node| graph.nodes[node].place(),
            ),
            sample,
        }
    }

    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Error::Invalid(words.into())
    }

    /// Puts the name of a file before an error.
    pub(crate) fn in_file<E: Into<Error>>(path: &Path) -> impl Fn(E) -> Error {
        move |error| Error::InFile {
            path: path.to_path_buf(),
            source: Box::new(error.into()),
        }
    }
}
