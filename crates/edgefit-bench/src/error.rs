use edgefit_engine::child::{ChildError, Refusal};
use serde::{Deserialize, Serialize, Serializer};

/// What can go wrong with a measurement.
#[derive(Debug, thiserror::Error, Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum Error {
    /// The process of a candidate cannot be started, died, or is not understood.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Words are what is left of an error on its way from another machine.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Error {
    fn from(words: String) -> Self {
        ChildError::Died(words).into()
    }
}

/// The child tells its parent.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Engine(error) => error.into(),
            other => Refusal::Failed(other.to_string()),
        }
    }
}
