//! EF18: training must stop when it no longer helps, and the best weights must be exported.

use crate::{Code, Finding, Status};

/// Share of the epochs before which the best one is early.
pub const EARLY: f64 = 0.5;
/// Epochs after the best one from which on training went on too long.
pub const FEWEST_AFTER: usize = 5;
/// Rise of the validation loss after the best epoch, relative to it, that is more than noise.
pub const WORSE: f64 = 0.1;

/// How validation went, and what was exported. Epochs are counted from 1.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Validation loss after each epoch.
    pub val_losses: Vec<f64>,
    /// Epochs without an improvement after which training stops; `None` without early stopping.
    pub patience: Option<usize>,
    /// Epoch whose weights were exported.
    pub exported_epoch: usize,
}

/// Fails where the exported weights are not those of the best epoch, and warns where training went
/// on long after it without early stopping.
pub fn check(evidence: &Evidence) -> Finding {
    let epochs = evidence.val_losses.len();
    let losses = evidence
        .val_losses
        .iter()
        .enumerate()
        .filter(|(_, loss)| loss.is_finite());
    let Some((best, &lowest)) = losses.min_by(|a, b| a.1.total_cmp(b.1)) else {
        return Finding::new(Code::Ef18, Status::Off, "no validation loss was recorded");
    };
    let best = best + 1;
    let exported = evidence.exported_epoch;
    let loss = |epoch: usize| evidence.val_losses.get(epoch.wrapping_sub(1));
    let same = loss(exported).is_some_and(|loss| *loss <= lowest);
    let last = evidence.val_losses[epochs - 1];
    let late = (best as f64) < EARLY * epochs as f64 && epochs - best >= FEWEST_AFTER;
    let worse = last.is_nan() || last > (1.0 + WORSE) * lowest;
    let (status, text) = match evidence.patience {
        _ if !same => (
            Status::Failed,
            format!(
                "the weights of epoch {exported} were exported, and epoch {best} was best \
                (validation loss {lowest:.4})"
            ),
        ),
        None if late && worse => (
            Status::Warning,
            format!(
                "epoch {best} was best and training went on to epoch {epochs}, validation \
                loss from {lowest:.4} to {last:.4}; set `patience`"
            ),
        ),
        _ => (
            Status::Pass,
            format!("the weights of epoch {exported}, the best of {epochs}, were exported"),
        ),
    };
    Finding::new(Code::Ef18, status, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Best at epoch 5 of 30, then worse.
    fn evidence(patience: Option<usize>, exported_epoch: usize) -> Evidence {
        let loss = |epoch: i32| 0.3 + 0.02 * f64::from((epoch - 5).abs());
        Evidence {
            val_losses: (1..=30).map(loss).collect(),
            patience,
            exported_epoch,
        }
    }

    #[test]
    fn the_wrong_epoch_and_endless_training_are_raised() {
        assert_eq!(check(&evidence(Some(25), 30)).status, Status::Failed);
        assert_eq!(check(&evidence(Some(25), 31)).status, Status::Failed);
        assert_eq!(check(&evidence(None, 5)).status, Status::Warning);
    }

    #[test]
    fn the_best_epoch_passes() {
        assert_eq!(check(&evidence(Some(25), 5)).status, Status::Pass);
        let flat = Evidence {
            val_losses: [&[0.3], &[0.31; 29][..]].concat(),
            patience: None,
            exported_epoch: 1,
        };
        assert_eq!(check(&flat).status, Status::Pass);
        assert_eq!(check(&Evidence::default()).status, Status::Off);
    }
}
