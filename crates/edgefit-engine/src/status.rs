//! [`Status`]: whether an engine is there.

use serde::Serialize;

/// Whether an engine is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What it is called.
    pub name: String,
    /// Whether it is there.
    pub available: bool,
    /// Where it lies, or why it is not there and how to get it.
    pub detail: String,
}

impl Status {
    /// Of the engine `name` that was looked for.
    pub fn of(name: impl ToString, found: Result<String, impl ToString>) -> Self {
        let available = found.is_ok();
        Status {
            name: name.to_string(),
            available,
            detail: found.unwrap_or_else(|missing| missing.to_string()),
        }
    }
}
