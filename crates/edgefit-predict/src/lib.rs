//! What a model says of images and arrays.
//!
//! A [`Predictor`] prepares samples as the model asks for and runs them, and [`Predicted`] is what it
//! made of all of them. [`Samples`] are read again and again where a model is changed by what it makes of
//! them, and [`Comparison`] says what the change did.

mod batches;
mod comparison;
mod draw;
mod error;
mod outputs;
mod predicted;
mod predictor;
mod report;
mod sample_set;
mod samples;

pub use batches::{Samples, batches_of, count};
pub use comparison::{Accuracy as PairedAccuracy, Comparison};
pub use draw::{Chosen, draw, shuffled};
pub use error::{Error, Result};
pub use outputs::{Outputs, outputs};
pub use predicted::Predicted;
pub use predictor::Predictor;
pub use report::{Accuracy, Likely, Predictions, SamplePrediction};
pub use sample_set::SampleSet;
pub use samples::{LeftOut, Sample};
