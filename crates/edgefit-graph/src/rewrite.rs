//! Changes to a graph. Each keeps every name that it has no reason to change.

mod append_to_output;
mod cut_softmax;
mod decompose;
mod drop_identities;
mod extract;
mod fix_input;
mod fold_batch_norm;
mod fold_moved_weights;
mod fold_pad;
mod freeze_boundaries;
mod head;
mod insert_dropout;
mod lift_constants;
mod lower_opset;
mod prune;
mod raise_opset;
mod rename;
mod single_precision;

pub use append_to_output::{end_in_scale, end_in_sigmoid};
pub use cut_softmax::{CutSoftmax, cut_softmax};
pub use decompose::decompose;
pub use drop_identities::drop_identities;
pub use extract::extract;
pub use fix_input::fix_input;
pub use fold_batch_norm::fold_batch_norm;
pub use fold_moved_weights::fold_moved_weights;
pub use fold_pad::fold_pad;
pub use freeze_boundaries::{Boundary, boundaries};
pub use head::{Head, Layer, LayerWeights, replace_head};
pub use insert_dropout::dropout_before;
pub use lift_constants::lift_constants;
pub use lower_opset::lower_opset;
pub use prune::prune;
pub use raise_opset::raise_opset;
pub use rename::{rename, rename_all};
pub use single_precision::single_precision;
