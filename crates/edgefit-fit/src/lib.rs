//! The most accurate network that a device holds: backbones × input resolutions × depths × forms, planned
//! exactly, scored on the features of the pretrained backbone, the best trained.

mod candidate;
mod depth;
mod devices;
mod error;
mod expected;
mod figures;
mod finalists;
mod footprint;
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
mod search_folder;
mod select;
mod survey;
mod target;
mod teacher;
mod tested;
mod train_finalist;
mod width_cost;
mod written;

pub use candidate::{AccuracyBasis, Candidate, front};
pub use devices::{Choice, DevicesReport, Shared, fit_each, resume_each};
pub use error::{Error, Result};
pub use footprint::{Footprint, Shortage};
pub use job::FitJob;
pub use label_doubts::label_doubts;
pub use nothing_fits::NothingFits;
pub use report::{Baseline, Finalist, Report, Results};
pub use search::{fit, resume};
pub use search_folder::is_for_several;
pub use target::Target;
