//! [`File`]: a file of a project.

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name; projects have no folders.
    pub name: String,
    /// What it holds.
    pub text: String,
}
