//! The most accurate network that a device holds: backbones × input resolutions × depths × forms, planned
//! exactly, scored on the features of the untrained backbone, the best trained.

mod candidate;
mod depth;
mod devices;
mod error;
mod expected;
mod finalist;
mod footprint;
mod found;
mod front_svg;
mod job;
mod label_doubts;
mod linear_probe;
mod narrow;
mod network;
mod nothing_fits;
mod outcome;
mod quiet;
mod report;
mod search;
mod select;
mod survey;
mod target;
mod teacher;
mod width_cost;
mod written;

pub use candidate::{AccuracyBasis, Candidate, front};
pub use devices::{Choice, DevicesReport, Shared, fit_each, is_for_several, resume_each};
pub use error::{Error, Result};
pub use footprint::{Footprint, Shortage};
pub use job::FitJob;
pub use label_doubts::label_doubts;
pub use nothing_fits::NothingFits;
pub use report::{Baseline, Finalist, Report};
pub use search::{fit, resume};
pub use target::Target;
