//! A row of a comparison.

/// The same of every run.
pub(super) struct Row {
    pub name: String,
    pub cells: Vec<String>,
}
