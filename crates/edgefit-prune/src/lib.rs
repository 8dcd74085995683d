//! Takes channels out of a model, and lets the layers that read them make up for it.
//!
//! [`Structure`] says which channels go together, and which have to stay and why. [`Calibrated`] ran the
//! model over samples; [`Calibrated::rank`] puts the channels of each group in the order in which they go,
//! [`Ranking`] gives widths for a share or for a budget, and [`Calibrated::prune`] makes the model. Neither
//! labels nor gradients are needed.

mod calibrated;
mod channels;
mod covariance;
mod elimination;
mod error;
mod intercept;
mod kept;
mod layer;
mod macs;
mod prune;
mod ranking;
mod reconstruct;
mod report;
mod rewrite;
mod rows;
mod select;
mod side;
mod structure;
mod trace;
mod unshare;
mod value_widths;
mod weight;

#[cfg(test)]
mod networks;
mod pairs;

pub use calibrated::Calibrated;
pub use error::{Error, Result};
pub use kept::Kept;
pub use macs::Macs;
pub use ranking::{Ranking, Widths};
pub use report::{Accuracy, GroupReport, Pair, Report, Run, Totals};
pub use select::Selection;
pub use structure::{Frozen, Group, Structure};
pub use value_widths::ValueWidths;
