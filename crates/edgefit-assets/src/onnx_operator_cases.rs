//! ONNX's own test cases of its operators.

use std::path::PathBuf;

use crate::apt::Package;
use crate::cache::Cache;
use crate::error::{Error, Result};

const WHAT: &str = "ONNX's operator cases";

/// ONNX's own tests of its operators (Apache-2.0): a folder for each, of a model, its inputs and
/// the outputs it should have.
///
/// # Errors
/// apt is missing or fails, or what came is not the pinned package.
pub fn onnx_operator_cases(cache: &Cache) -> Result<PathBuf> {
    let package = Package {
        what: WHAT,
        requirement: "libonnx-testdata=1.12.0-2",
        sha256: "7dc0912e02f79ece102331411a751b091bc0e191c9fb1287f8cdfbe5530f6027",
    };
    let folder = cache.entry("onnx-operator-cases-1.12.0", |folder| {
        let unpacked = cache.temporary()?;
        package.unpack(cache, unpacked.path())?;
        let cases = unpacked.path().join("usr/share/libonnx-testdata/data/node");
        let goal = folder.join("node");
        std::fs::rename(&cases, &goal).map_err(|source| Error::Cache { path: goal, source })
    })?;
    Ok(folder.join("node"))
}
