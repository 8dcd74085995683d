//! What can go wrong with a checkpoint: the error type of this crate.

use std::path::PathBuf;

/// What can go wrong with a checkpoint, where, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// File that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is neither a PyTorch nor a safetensors checkpoint, or is damaged.
    #[error(
        "{}: not a checkpoint that can be read ({detail}); check that the download is complete, \
         or save the weights again with torch.save(model.state_dict(), …) or as safetensors",
        path.display()
    )]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What the reader met.
        detail: String,
    },
    /// The file is something else, or holds the weights in a form that is not read, or leaves a choice open.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it is or holds, and the fix.
        problem: String,
    },
    /// The checkpoint is of another architecture, which is known.
    #[error(
        "{}: these are not the weights of {arch} but those of {fit}; give --arch {fit}",
        path.display()
    )]
    OtherArchitecture {
        /// The file.
        path: PathBuf,
        /// Architecture that was asked for.
        arch: String,
        /// Architecture whose weights they are.
        fit: String,
    },
    /// A tensor in the checkpoint cannot be used.
    #[error("{}: tensor '{key}': {problem}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Key of the tensor.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The checkpoint belongs to another architecture.
    #[error("{}: {}", path.display(), mismatch(arch, missing, unexpected))]
    WrongArchitecture {
        /// The file.
        path: PathBuf,
        /// Architecture that was asked for.
        arch: String,
        /// Tensors that the architecture needs and the checkpoint lacks.
        missing: Vec<Missing>,
        /// Keys of the checkpoint that the architecture has no use for.
        unexpected: Vec<String>,
    },
}

/// A tensor that an architecture needs and a checkpoint lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its key.
    pub key: String,
    /// Its shape.
    pub dims: Vec<usize>,
    /// Shape of the tensor that has the key instead, if any.
    pub found: Option<Vec<usize>>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Missing { key, dims, found } = self;
        match found {
            None => write!(f, "'{key}' of shape {dims:?}"),
            Some(found) => write!(f, "'{key}' of shape {dims:?} (it is {found:?})"),
        }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn mismatch(arch: &str, missing: &[Missing], unexpected: &[String]) -> String {
    let some = |first: Option<String>, count: usize, what: &str| match (first, count) {
        (None, _) => format!("nothing {what}"),
        (Some(first), 1) => format!("{what} {first}"),
        (Some(first), count) => format!("{what} {first} and {} more", count - 1),
    };
    let first_missing = missing.first().map(ToString::to_string);
    let first_unexpected = unexpected.first().map(|key| format!("'{key}'"));
    format!(
        "these are not the weights of {arch}: {}, {}; name another --arch, or export the model with \
         torch.onnx.export",
        some(first_missing, missing.len(), "missing"),
        some(first_unexpected, unexpected.len(), "unexpected")
    )
}
