//! Where a stage stands.

use edgefit_burn::Weights;
use edgefit_burn::burn::optim::ModuleOptimizer;
use edgefit_burn::burn::tensor::Bytes;
use edgefit_guards::TrainingWatch;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::prepare::targets::Targets;
use crate::stages::training::epoch::Epoch;
use crate::stages::training::val_losses::ValLosses;

/// Where a stage stands, but for its tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Epochs that are over.
    pub epochs: Vec<Epoch>,
    /// Steps of the present epoch, those that changed nothing among them.
    pub step: usize,
    /// Changes of the weights in all.
    pub updates: usize,
    /// Steps that were rolled back because they were non-finite.
    pub rollbacks: usize,
    /// Loss and mass of the present epoch so far.
    pub loss: f64,
    pub mass: f64,
    /// Samples of the present epoch that were classified correctly, and that were counted.
    pub correct: f64,
    pub counted: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    pub best_epoch: usize,
    pub best_loss: Option<f64>,
    /// Accuracy on some clean training samples after each epoch, in eval mode.
    pub train_accuracy: Vec<f64>,
    pub val_losses: ValLosses,
    pub watch: TrainingWatch,
}

impl Progress {
    /// Factor of the learning rate after the steps that were rolled back.
    pub fn damping(&self) -> f64 {
        0.5f64.powi(self.rollbacks.try_into().unwrap_or(i32::MAX))
    }

    /// Counts the samples of a step that `outputs` classify correctly.
    pub fn count(&mut self, targets: &Targets, outputs: &[f32]) {
        if let Some(accuracy) = targets.accuracy(outputs) {
            self.correct += accuracy * targets.len() as f64;
            self.counted += targets.len();
        }
    }

    /// Ends an epoch.
    pub fn close(&mut self, epoch: usize, val_loss: f64, val_accuracy: Option<f64>) {
        self.epochs.push(Epoch {
            epoch,
            train_loss: self.loss / self.mass.max(f64::MIN_POSITIVE),
            train_accuracy: (self.counted > 0).then(|| self.correct / self.counted as f64),
            val_loss,
            val_accuracy,
            learning_rate: self.learning_rate,
        });
        (self.step, self.counted) = (0, 0);
        (self.loss, self.mass, self.correct) = (0.0, 0.0, 0.0);
    }

    /// How it goes, for a line of progress.
    pub fn status(&self, epochs: usize) -> String {
        let epoch = self.epochs.len() + 1;
        let loss = self.loss / self.mass.max(f64::MIN_POSITIVE);
        let val = match self.epochs.last() {
            Some(Epoch {
                val_accuracy: Some(accuracy),
                ..
            }) => format!(", val {:.1} %", 100.0 * accuracy),
            Some(last) => format!(", val loss {:.4}", last.val_loss),
            None => String::new(),
        };
        format!(
            "epoch {epoch}/{epochs}, loss {loss:.3}{val}, learning rate {:.1e}",
            self.learning_rate
        )
    }
}

/// All of a stage that is needed to go on with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub progress: Progress,
    pub weights: Weights,
    pub best: Option<Weights>,
    pub average: Option<Weights>,
    pub optimizer: Vec<u8>,
}

pub(crate) fn bytes_of(optimizer: &ModuleOptimizer) -> Result<Vec<u8>> {
    let bytes = optimizer.into_bytes();
    let bytes =
        bytes.map_err(|error| Error::Stopped(format!("the optimizer's state: {error:?}")))?;
    Ok(bytes.to_vec())
}

pub(crate) fn optimizer_of(fresh: ModuleOptimizer, bytes: Vec<u8>) -> Result<ModuleOptimizer> {
    fresh
        .from_bytes(Bytes::from_bytes_vec(bytes))
        .map_err(|error| Error::Stopped(format!("the optimizer's state: {error:?}")))
}
