//! The cost room: what a model asks of a device, and whether the device has it.
//!
//! [`Costs`] counts operations and bytes node by node; [`memory`] plans the activations;
//! [`check`] holds both against a device profile. Nothing here runs a model.

mod check;
mod costs;
mod holdings;
pub mod latency;
pub mod memory;
mod steps;

pub use check::{
    Amounts, Backbone, Budget, Change, Check, EnergyFigure, Limits, Measured, NeedBasis, Request,
    Resource, Suggestion, UnknownEngine, Verdict, check,
};
pub use costs::{Costs, NodeCost, Totals};
pub use holdings::holdings;
