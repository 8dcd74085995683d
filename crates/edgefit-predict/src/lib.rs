//! What a model says of images and arrays.
//!
//! A [`Predictor`] prepares samples as the model asks for and runs them, and [`Predicted`] is what it
//! made of all of them.

mod error;
mod predicted;
mod predictor;
mod report;
mod sample_set;
mod samples;

pub use error::{Error, Result};
pub use predicted::Predicted;
pub use predictor::Predictor;
pub use report::{Accuracy, Likely, Predictions, SamplePrediction};
pub use sample_set::SampleSet;
pub use samples::Sample;
