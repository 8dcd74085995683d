//! [`Exported`]: a model's file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The exported model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exported {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}
