use std::path::PathBuf;

/// What can go wrong with a checkpoint, with the place and the mend.
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
        /// Keys that the architecture needs and the checkpoint lacks.
        missing: Vec<String>,
        /// Keys of the checkpoint that the architecture has no use for.
        unexpected: Vec<String>,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn mismatch(arch: &str, missing: &[String], unexpected: &[String]) -> String {
    let some = |keys: &[String], what: &str| match keys {
        [] => format!("nothing {what}"),
        [first] => format!("{what} '{first}'"),
        [first, rest @ ..] => format!("{what} '{first}' and {} more", rest.len()),
    };
    format!(
        "these are not the weights of {arch}: {}, {}; name another --arch",
        some(missing, "missing"),
        some(unexpected, "unexpected")
    )
}
