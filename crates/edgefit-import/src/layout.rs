//! What the keys of a checkpoint are called, and which a network wants.

/// A tensor that a network is made of.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub key: String,
    pub dims: Vec<usize>,
}

/// Whose names the keys of a checkpoint are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Those of timm's mobile networks.
    Timm,
    /// Those of torchvision, or of the package that published the weights.
    Other,
}

impl Layout {
    pub const ALL: [Self; 2] = [Layout::Timm, Layout::Other];
}
