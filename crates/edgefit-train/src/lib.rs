//! The training room: from a backbone and a folder of images to a model that is exported, verified
//! and checked against its device.
//!
//! [`train`] is the whole job. Its parts stand on their own: [`features`] runs the frozen backbone
//! once and keeps the result, [`head`] fits a classifier to features, [`metrics`] measures one.

mod baselines;
mod error;
pub mod events;
mod exported;
pub mod features;
pub mod head;
mod job;
pub mod memory;
pub mod metrics;
mod model;
mod parts;
mod report;
mod run_folder;
mod schedule;
pub mod trial;

pub use error::{Error, Result};
pub use events::Observer;
pub use job::{Job, train};
pub use report::{Baseline, Exported, Report, SCHEMA, Stage, Timing, Unreadable};
