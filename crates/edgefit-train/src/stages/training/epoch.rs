//! What is kept of an epoch, and why a stage ended.

use edgefit_base::losses;
use serde::{Deserialize, Serialize};

/// One pass over the training samples. A loss that is not finite is written as null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean weighted loss of the steps, as it was trained: smoothed, on augmented samples.
    #[serde(deserialize_with = "losses::read")]
    pub train_loss: f64,
    /// Accuracy on the samples of the steps, before each step; `None` for regression and where samples
    /// are mixed.
    pub train_accuracy: Option<f64>,
    /// Loss on the validation samples, not smoothed, every class counting the same as in training.
    #[serde(deserialize_with = "losses::read")]
    pub val_loss: f64,
    /// Accuracy on the validation samples; `None` for regression.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
}

/// Why a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All epochs ran.
    Finished,
    /// The validation loss did not get better any more.
    Patience,
    /// The user wanted it to.
    Interrupted,
    /// The loss was non-finite, again and again.
    Diverged,
}
