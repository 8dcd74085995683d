//! When a buffer is needed, and how large it is.

/// When a buffer is needed: from step `lower` until before step `upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// Name of the value.
    pub name: String,
    /// First step.
    pub lower: usize,
    /// First step without it.
    pub upper: usize,
    /// Size.
    pub bytes: u64,
}
