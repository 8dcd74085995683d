//! What the backward pass of a convolution reads and makes.

/// Elements that a convolution reads, and what its activation keeps.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a, T> {
    pub x: &'a [T],
    pub weight: &'a [T],
    /// Empty if the activation keeps nothing.
    pub kept: &'a [T],
}

/// Gradients of input, weight and bias, as far as they are asked for.
pub(super) type Made<T> = [Option<Vec<T>>; 3];
