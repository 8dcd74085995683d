//! The loss of each validation sample, at the best epoch and in the last ones.

use std::collections::VecDeque;

use edgefit_base::losses;
use edgefit_guards::ef09_overfitting::WINDOW;
use serde::{Deserialize, Serialize};

/// Losses of single validation samples, by which epochs are compared sample by sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValLosses {
    /// After the epoch of the lowest mean.
    #[serde(deserialize_with = "losses::read")]
    best: Vec<f32>,
    /// After each of the last [`WINDOW`] epochs.
    #[serde(deserialize_with = "losses::read")]
    last: VecDeque<Vec<f32>>,
}

impl ValLosses {
    /// Takes the losses after another epoch, the best so far or not.
    pub fn close(&mut self, losses: Vec<f32>, is_best: bool) {
        if is_best {
            self.best.clone_from(&losses);
        }
        if self.last.len() == WINDOW {
            self.last.pop_front();
        }
        self.last.push_back(losses);
    }

    /// Of each sample, the loss after the best epoch and its mean in the last ones.
    pub fn best_and_last(&self) -> Vec<[f64; 2]> {
        let of = |(sample, &best): (usize, &f32)| {
            let last = self.last.iter().filter_map(|losses| losses.get(sample));
            let sum: f64 = last.map(|&loss| f64::from(loss)).sum();
            [f64::from(best), sum / self.last.len() as f64]
        };
        self.best.iter().enumerate().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_epochs_are_compared_with_the_best() {
        let mut losses = ValLosses::default();
        assert!(losses.best_and_last().is_empty());
        losses.close(vec![9.0, 9.0], true);
        losses.close(vec![1.0, 2.0], true);
        for loss in [2.0, 3.0, 4.0] {
            losses.close(vec![loss, 2.0], false);
        }
        assert_eq!(losses.best_and_last(), [[1.0, 3.0], [2.0, 2.0]]);
    }
}
