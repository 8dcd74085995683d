//! Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762), head by head.
//!
//! The scores of a head stay in a core's cache. The backward pass computes them anew from what little is kept of
//! their rows (Dao et al. 2022, arXiv 2205.14135), so that no scores are held between the passes.

mod heads;
mod kernel;
mod rows;

pub(super) use kernel::{attend, attend_packed};

/// softmax(scale · Q · Kᵀ) · V.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention {
    pub scale: f64,
    pub operands: AttentionOperands,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttentionOperands {
    /// Q and V of (samples, heads, positions, width), and Kᵀ, whose last dimensions are exchanged.
    Apart,
    /// One tensor (3, samples, heads, positions, width) of Q, K and V.
    Packed,
}
