//! The training room: from a backbone and a folder of images to a model that is exported, verified
//! and checked against its device.
//!
//! [`train`] is the whole job. Its parts stand on their own: [`features`] runs the frozen backbone
//! once and keeps the result, [`fit`] is the training loop, [`metrics`] measures what came out.

mod baselines;
mod checkpoint;
mod error;
pub mod events;
mod exported;
pub mod features;
pub mod fit;
mod goal;
mod guards;
mod job;
mod linear;
mod lr_find;
pub mod memory;
pub mod metrics;
mod model;
mod parts;
mod preparation;
pub mod recipe;
mod report;
mod run_folder;
mod run_model;
mod schedule;
mod stages;
pub mod task;
mod training;
pub mod trial;
mod tune;

pub use error::{Error, Result};
pub use events::Observer;
pub use job::{Job, resume, train};
pub use lr_find::{LrFind, Point, Reading, lr_find};
pub use parts::SplitFile;
pub use preparation::Preparation;
pub use recipe::{Recipe, StageName};
pub use report::{Baseline, Exported, Report, SCHEMA, Timing, Unreadable};
pub use run_model::model_of_run;
pub use stages::Stage;
pub use tune::{Candidate, Rung, Tuning};
