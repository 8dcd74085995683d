//! Changes to a graph. Each keeps every name that it has no reason to change.

mod boundary;
mod dropout;
mod ending;
mod fold_batch_norm;
mod head;
mod lift_constants;
mod prune;
mod rename;
mod softmax;
mod split;

pub use boundary::{Boundary, boundaries};
pub use dropout::dropout_before;
pub use ending::{end_in_scale, end_in_sigmoid};
pub use fold_batch_norm::fold_batch_norm;
pub use head::{Head, Layer, LayerWeights, replace_head};
pub use lift_constants::lift_constants;
pub use prune::prune;
pub use rename::rename;
pub use softmax::{CutSoftmax, cut_softmax};
pub use split::extract;
