//! JSON documents in the folder of a run.

use std::path::Path;

use edgefit_base::{file, schema};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads the document at `path`; `None` if there is none.
///
/// # Errors
/// It cannot be read, or is damaged; `fix` says what to do then.
pub(crate) fn load<T: DeserializeOwned>(
    path: &Path,
    schema: &'static str,
    fix: &str,
) -> Result<Option<T>> {
    let fail = |problem: String| Error::Run {
        path: path.to_path_buf(),
        problem,
    };
    match file::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(format!("cannot be read ({error})"))),
        Ok(text) => schema::from_json(&text, schema)
            .map(Some)
            .map_err(|error| fail(format!("is damaged ({error}); {fix}"))),
    }
}
