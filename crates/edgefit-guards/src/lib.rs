//! The twenty mistakes of fine-tuning for small devices, and a guard for each.
//!
//! A guard is a pure function from evidence, plain numbers that any training loop can gather, to a
//! [`Finding`]. [`Findings`] collects them, explains symptoms by their causes, and always answers
//! for all twenty [`Code`]s. [`module`] gathers evidence from any burn `Module`, and
//! [`TrainingWatch`] from a loop that feeds it once a step.

mod code;
mod explanation;
mod finding;
mod findings;
pub mod module;
mod statistics;
mod symptom;
mod watch;

pub mod ef01_overfit_one_batch;
pub mod ef02_eval_mode;
pub mod ef03_fresh_gradients;
pub mod ef04_logits;
pub mod ef05_activations;
pub mod ef06_preprocessing;
pub mod ef07_class_balance;
pub mod ef08_evaluation;
pub mod ef09_overfitting;
pub mod ef10_hyperparameters;
pub mod ef11_regularisation;
pub mod ef12_bias;
pub mod ef13_monitoring;
pub mod ef14_gradients;
pub mod ef15_augmentation;
pub mod ef16_schedule;
pub mod ef17_capacity;
pub mod ef18_early_stopping;
pub mod ef19_transfer;
pub mod ef20_hardware;

pub use code::{Code, UnknownCode};
pub use explanation::{Explained, Explanation};
pub use finding::{Finding, Status, short};
pub use findings::{Findings, Warnings};
pub use statistics::Proportion;
pub use symptom::Symptom;
pub use watch::{Step, TrainingWatch};
