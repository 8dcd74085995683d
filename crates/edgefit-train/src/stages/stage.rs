//! A stage that is over.

use edgefit_base::losses;
use edgefit_guards::TrainingWatch;
use edgefit_guards::ef08_evaluation::Recalls;
use serde::{Deserialize, Serialize};

use crate::config::stage_name::StageName;
use crate::stages::training::epoch::{Ended, Epoch};

/// A stage that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Which one.
    pub name: StageName,
    /// Highest learning rate of the head, after the search for it.
    pub learning_rate: f64,
    /// Whether it was better on the validation samples than all before it, so that its weights are
    /// the ones that are used.
    pub kept: bool,
    /// The node behind which everything was trained; the input, if not given.
    pub frozen_to: Option<String>,
    /// Parameters that it trained.
    pub parameters: usize,
    /// The epoch whose weights it offers, counted from 1; 0 is the start.
    pub best_epoch: usize,
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// Why it ended.
    pub ended: Ended,
    /// Accuracy of its best weights on the validation samples; `None` for regression.
    pub val_accuracy: Option<f64>,
    /// Loss of its best weights on the validation samples.
    #[serde(deserialize_with = "losses::read")]
    pub val_loss: f64,
    /// Peak resident set of the process meanwhile, where the system says.
    pub peak_bytes: Option<u64>,
    /// How long it took, without what it took before an interruption.
    pub duration_ns: u64,
}

impl Stage {
    /// Whether it is better than another: of higher accuracy, or of the same with a lower loss.
    pub(crate) fn beats(&self, other: &Stage) -> bool {
        let accuracy = |stage: &Stage| stage.val_accuracy.unwrap_or(0.0);
        // NaN, which any comparison lets pass, is as bad as infinity, and comes back as that from a checkpoint.
        let loss = |stage: &Stage| match stage.val_loss {
            loss if loss.is_nan() => f64::INFINITY,
            loss => loss,
        };
        match accuracy(self).total_cmp(&accuracy(other)) {
            std::cmp::Ordering::Equal => loss(self) < loss(other),
            order => order.is_gt(),
        }
    }
}

/// A stage, with what the guards want to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub stage: Stage,
    /// Accuracy on some clean training samples after each epoch, in eval mode.
    pub train_accuracy: Vec<f64>,
    /// Number of those samples.
    pub measured_samples: usize,
    /// Of each validation sample, the loss after the best epoch and its mean in the last ones.
    #[serde(deserialize_with = "losses::read")]
    pub val_losses: Vec<[f64; 2]>,
    /// How well its best weights recognise each class of the validation samples.
    pub val_recalls: Recalls,
    pub watch: TrainingWatch,
}
