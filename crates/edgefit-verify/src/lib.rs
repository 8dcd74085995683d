//! Do engines, or two versions of a model, compute the same, and if not, where do they part?
//!
//! [`compare()`] and [`across`] answer the first question, [`first_divergence`] the second;
//! [`unrepeatable`] and [`batch_dependent`] find a model that is not in eval mode.

mod across;
mod bisect;
mod compare;
mod crash;
mod divergence;
mod eval_mode;
mod first_divergence;
mod known_differences;
mod search;
mod side;
mod subgraph;
mod tolerance;
mod value_statistics;
mod verdict;

pub use across::{across, pairs};
pub use compare::{Pair, compare};
pub use crash::{Crash, Crashes, Cut};
pub use divergence::{Divergence, ReducedModel};
pub use eval_mode::{Fault, FaultKind, batch_dependent, in_train_mode, unrepeatable};
pub use first_divergence::first_divergence;
pub use side::Side;
pub use tolerance::Tolerance;
pub use value_statistics::Statistics;
pub use verdict::Verdict;
