//! What can go wrong with a measurement.

use std::path::PathBuf;

use edgefit_base::schema;
use edgefit_engine::child::{ChildError, Refusal};
use serde::{Deserialize, Serialize, Serializer};

/// What can go wrong with a measurement.
#[derive(Debug, thiserror::Error, Deserialize)]
#[serde(from = "Told")]
#[non_exhaustive]
pub enum Error {
    /// The process of a candidate cannot be started, died, or is not understood.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The board cannot be reached, or fails.
    #[error(transparent)]
    Remote(#[from] edgefit_remote::Error),
    /// A file cannot be named to another process.
    #[error("{}: the name is not UTF-8; rename the file", .0.display())]
    NotUtf8(PathBuf),
    /// A model cannot be copied for a board.
    #[error("cannot copy {}: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A baseline cannot be read.
    #[error("cannot read --baseline {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds no results of an earlier call.
    #[error("--baseline {}: not what `edgefit bench --json` writes: {source}", path.display())]
    NotABaseline {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        source: schema::Error,
    },
    /// A model that is to be measured cannot be; the reason and the fix.
    #[error("{0}")]
    Unmeasurable(String),
    /// A plan cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Results cannot be written as comma-separated values.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as it crosses to another machine: its message, and whether the engine is to blame.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// The engine does not do what it was asked.
    Refused(String),
    /// The engine's process ended.
    Died(String),
    /// Anything else.
    Other(String),
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = self.to_string();
        let told = match self {
            Error::Child(ChildError::Refused(_)) => Told::Refused(words),
            Error::Child(ChildError::Died(_)) => Told::Died(words),
            _ => Told::Other(words),
        };
        told.serialize(serializer)
    }
}

impl From<Told> for Error {
    fn from(told: Told) -> Self {
        match told {
            Told::Refused(words) => ChildError::Refused(words).into(),
            Told::Died(words) => ChildError::Died(words).into(),
            Told::Other(words) => Error::Unmeasurable(words),
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn whether_the_engine_failed_is_known_on_another_machine() {
        let crossed = |error: ChildError| -> Error {
            let told = serde_json::to_string(&Error::from(error)).unwrap();
            serde_json::from_str(&told).unwrap()
        };
        let refused = crossed(ChildError::Refused("no such op".into()));
        assert!(
            matches!(&refused, Error::Child(ChildError::Refused(words)) if words == "no such op"),
            "{refused:?}"
        );
        let died = crossed(ChildError::Died("signal 9".into()));
        assert!(
            matches!(&died, Error::Child(ChildError::Died(words)) if words == "signal 9"),
            "{died:?}"
        );
        let silent = crossed(ChildError::Silent(Duration::from_secs(7)));
        assert!(
            matches!(&silent, Error::Unmeasurable(words) if words.contains("within 7 s")),
            "{silent:?}"
        );
    }
}
