//! What a model asks of a device, and whether the device has it.
//!
//! [`Costs`] counts operations and bytes node by node; [`memory_plan`] places the activations;
//! [`latency`] predicts the time of a run; [`check()`] compares all of them with a device profile.
//! Nothing here runs a model.

mod basis;
mod check;
mod costs;
mod fused_steps;
pub mod inspection;
pub mod latency;
pub mod memory_plan;
mod model_parts;
mod type_shares;
mod weight_types;

pub use basis::NeedBasis;
pub use check::{
    Amounts, Backbone, Budget, Change, Check, Commands, Condition, EnergyFigure, Execution, Limits,
    Measured, Request, Resource, Suggestion, Trial, TrialOutcome, UnknownEngine, Verdict, check,
    judge,
};
pub use costs::{Costs, NodeCost, Totals};
pub use inspection::{Inspection, Listing, SortKey};
pub use model_parts::model_parts;
pub use type_shares::{TypeShare, UnusedConstant};
