//! What can go wrong with a model: the error type of this crate.

use std::io;
use std::path::PathBuf;

use crate::other_format::OtherFormat;
use crate::unsupported::Unsupported;

/// What can go wrong with a model, where, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or mapped.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// File that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] edgefit_base::file::WriteError),
    /// The bytes are not an ONNX model.
    #[error("not an ONNX model: {detail}; export it again, or check that the download is complete")]
    NotOnnx {
        /// What the protobuf decoder met.
        detail: String,
    },
    /// The file is a model of another format.
    #[error("{0}")]
    OtherFormat(OtherFormat),
    /// A part of the model contradicts the format or the rest of the model.
    #[error("{at}: {problem}")]
    Invalid {
        /// The node, value or initializer, and the field in it.
        at: String,
        /// What is wrong there, and the fix where one is known.
        problem: String,
    },
    /// Ops that this version cannot work with: all of them, not the first.
    #[error("unsupported ops: {}", list(.0))]
    Unsupported(Vec<Unsupported>),
    /// A problem inside a named model file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The model file.
        path: PathBuf,
        /// The problem in it.
        source: Box<Error>,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Invalid {
            at: at.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Error::Read { .. } | Error::Write(_) => self,
            source => Error::InFile {
                path: path.into(),
                source: Box::new(source),
            },
        }
    }
}

/// Most operators that an error names one by one.
const LISTED: usize = 50;

fn list(ops: &[Unsupported]) -> String {
    let mut items: Vec<String> = ops
        .iter()
        .take(LISTED)
        .map(|unsupported| {
            let first = unsupported.nodes.first().map_or("", String::as_str);
            format!(
                "{} ×{} (first: node '{first}': {})",
                unsupported.op,
                unsupported.nodes.len(),
                unsupported.reason
            )
        })
        .collect();
    if ops.len() > LISTED {
        items.push(format!("and {} more", ops.len() - LISTED));
    }
    items.join(", ")
}
