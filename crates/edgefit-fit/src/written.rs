//! Files of a search, and the time it takes.

use std::path::Path;
use std::time::Instant;

use edgefit_base::file::write_atomically;
use edgefit_base::schema;
use serde::Serialize;

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

/// Wall-clock time.
pub fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
