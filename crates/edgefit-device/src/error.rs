//! Errors of this crate.

use std::path::PathBuf;

/// What can go wrong with a device profile, with the place and the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The profile file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// File that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder of users' profiles cannot be read.
    #[error(
        "cannot read the profile folder {}: {source}; create it or fix EDGEFIT_PROFILES",
        path.display()
    )]
    Folder {
        /// Folder in the environment variable.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The profile does not follow the schema.
    #[error("{place}: {problem}")]
    Profile {
        /// File or built-in profile.
        place: String,
        /// What is wrong, with the fix where one is known.
        problem: String,
    },
    /// This machine cannot be described.
    #[error("device 'host': {detail}; give a profile file instead")]
    Host {
        /// What the system said.
        detail: String,
    },
    /// No profile has that name.
    #[error(
        "device '{name}' is not known{}; `edgefit device list` shows all of them, or give a \
         profile file",
        hint(nearest)
    )]
    Unknown {
        /// Name that was asked for.
        name: String,
        /// Known name that looks most like it.
        nearest: Option<String>,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean '{name}'?"),
        None => String::new(),
    }
}
