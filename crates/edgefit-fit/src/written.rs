//! Files of a search, and the time it takes.

use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

use edgefit_base::file::{self, write_atomically};
use edgefit_base::schema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Writes a file, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(write_atomically(path, |file| file.write_all(bytes))?)
}

/// Writes a document of the given schema, whole or not at all.
pub fn write_json(path: &Path, schema: &str, content: &impl Serialize) -> Result<()> {
    let text = schema::to_json(schema, content).map_err(|error| Error::Run {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    write(path, text.as_bytes())
}

/// Reads a document of the given schema; an error ends in `fix`.
///
/// # Errors
/// [`Error::Run`] where it cannot be read, is damaged or of another version.
pub fn read_json<T: DeserializeOwned>(path: &Path, schema: &'static str, fix: &str) -> Result<T> {
    let fail = |error: &dyn Display| Error::Run {
        path: path.to_path_buf(),
        problem: format!("cannot be read ({error}); {fix}"),
    };
    let text = file::read_to_string(path).map_err(|error| fail(&error))?;
    schema::from_json(&text, schema).map_err(|error| fail(&error))
}

/// Wall-clock time.
pub fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
