//! Guarded fine-tuning: from a backbone and a folder of images to a model that is exported, verified
//! and checked against its device.
//!
//! [`train`] is the whole job. Its folders follow the way of the data: [`config`] says what is to be
//! done, [`prepare`] makes features and targets, [`stages`] trains, [`evaluate`] measures, `guards`
//! look at all of it, [`run`] keeps it in a folder, and `pipeline` ties them together.

pub mod config;
mod error;
pub mod evaluate;
mod guards;
mod observer;
mod pipeline;
pub mod prepare;
pub mod run;
pub mod stages;

pub use config::device_scheme::device_scheme;
pub use config::job::{Existing, Job};
pub use config::recipe::Recipe;
pub use config::stage_name::StageName;
pub use error::{Error, Result};
pub use evaluate::baselines::Baseline;
pub use evaluate::flips::{Answer, Flip};
pub use evaluate::mistakes::Mistake;
pub use observer::Observer;
pub use pipeline::exported::MODEL;
pub use pipeline::lr_find::lr_find;
pub use pipeline::survey::{Survey, SurveySamples, SurveyedBackbone, SurveyedFeatures};
pub use pipeline::validated::{Validated, hold_inputs, validate};
pub use pipeline::{resume, train};
pub use prepare::preparation::Preparation;
pub use prepare::unreadable::Unreadable;
pub use run::exported_file::Exported;
pub use run::folder::check_place;
pub use run::int8_report::{Int8Figures, Int8Report, Origin as Int8Origin};
pub use run::job_file::{Origin, SEARCH_JOB, data_of_run, follow};
pub use run::lock::Lock;
pub use run::manifest::{NAME as MANIFEST, ensure_engine};
pub use run::mlflow::mlflow_address;
pub use run::refusal::Refusal;
pub use run::report::{NAME as REPORT, PAGE, Report, SCHEMA, Timing, is_finished};
pub use run::sample_sets::SampleSets;
pub use run::saved_model::model_of_run;
pub use run::split_file::SplitFile;
pub use stages::lr_find::{LrFind, Point, Reading};
pub use stages::stage::Stage;
pub use stages::tune::candidate::{Candidate, Rung, Tuning};
