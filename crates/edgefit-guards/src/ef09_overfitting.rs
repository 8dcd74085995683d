//! EF09: the trained part is too complex for the number of images.

use crate::finding::percent;
use crate::statistics::{mean, mean_and_error};
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Training minus validation accuracy that is a gap.
pub const GAP: f64 = 0.15;
/// Epochs that are averaged, so that one lucky epoch is not the best.
pub const WINDOW: usize = 3;
/// Epochs below which no trend can be seen.
pub const FEWEST_EPOCHS: usize = 6;
/// Share of its lowest value by which the validation loss has risen where a network overfits: the
/// generalisation loss of Prechelt 1998 ("Early stopping – but when?", section 2.2). The limit is between what
/// was measured: up to 8 % where early stopping ended a probe on clean images, 39 % and more where it overfitted
/// wrong labels.
pub const RISE: f64 = 0.25;

/// Accuracies and losses in eval mode, on images without augmentation.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Accuracy on the training samples after each epoch.
    pub train: Vec<f64>,
    /// On the validation samples.
    pub val: Vec<f64>,
    /// Of each validation sample, the loss after the epoch with the lowest mean, and its mean in the last
    /// [`WINDOW`] epochs.
    pub val_losses: Vec<[f64; 2]>,
    /// Number of training samples on which it was measured.
    pub train_samples: usize,
}

/// Warns where, at the end, the gap between the accuracies is beyond [`GAP`] and the noise, and validation has
/// become worse than it was: its accuracy is below the best, and its loss above the lowest by more than
/// [`RISE`] and by more than a standard error of the difference, taken sample by sample (the one-standard-error
/// rule, Breiman et al. 1984, section 3.4.3). The accuracy of a few dozen samples alone cannot tell: chance
/// moves it by as much.
pub fn check(evidence: &Evidence) -> Finding {
    let epochs = evidence.train.len().min(evidence.val.len());
    if epochs < FEWEST_EPOCHS {
        let text = format!("{epochs} epochs are too few to see a trend");
        return Finding::new(Code::Ef09, Status::Off, text);
    }
    let last = |values: &[f64]| mean(&values[values.len() - WINDOW..]);
    let best = evidence.val.windows(WINDOW).map(mean).fold(0.0, f64::max);
    let train = Proportion::new(last(&evidence.train), evidence.train_samples);
    let val = Proportion::new(last(&evidence.val), evidence.val_losses.len());
    let of = |of: &dyn Fn(&[f64; 2]) -> f64| -> Vec<f64> {
        evidence.val_losses.iter().map(of).collect()
    };
    let lowest = mean(&of(&|[best, _]| *best));
    let (rise, error) = mean_and_error(&of(&|[best, last]| last - best));

    let text = format!(
        "accuracy {} in training and {} in validation at the end, best {}; validation loss {:.3}, lowest \
         {lowest:.3}",
        percent(train.share),
        percent(val.share),
        percent(best),
        lowest + rise
    );
    let gap = train.share - val.share;
    let has_gap = gap > GAP && gap > train.error_of_difference(val);
    let becomes_worse = val.share < best && rise > RISE * lowest && rise > error;
    if !has_gap || !becomes_worse {
        return Finding::new(Code::Ef09, Status::Pass, text);
    }
    let text = format!("{text}: it overfits; train fewer layers, or regularise more");
    Finding::new(Code::Ef09, Status::Warning, text).of(Symptom::Gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 30 epochs with the accuracies of `val`, and the losses of samples at the best and at the end.
    fn run(val: impl Fn(usize) -> f64, val_losses: Vec<[f64; 2]>) -> Status {
        let evidence = Evidence {
            train: (0..30)
                .map(|epoch| (0.5 + 0.05 * epoch as f64).min(1.0))
                .collect(),
            val: (0..30).map(val).collect(),
            val_losses,
            train_samples: 400,
        };
        check(&evidence).status
    }

    /// Losses of 40 samples, some of which rise by as much.
    fn losses(rising: usize, by: f64) -> Vec<[f64; 2]> {
        let rise = |sample| if sample < rising { by } else { 0.0 };
        (0..40).map(|sample| [0.8, 0.8 + rise(sample)]).collect()
    }

    const FALLING: fn(usize) -> f64 = |epoch| 0.8 - 0.005 * epoch as f64;

    #[test]
    fn a_gap_that_opens_while_the_loss_rises_is_raised() {
        assert_eq!(run(FALLING, losses(10, 2.0)), Status::Warning);
    }

    #[test]
    fn a_gap_alone_and_noise_alone_are_not() {
        assert_eq!(run(|_| 0.75, losses(10, 2.0)), Status::Pass);
        let rising = |epoch: usize| 0.5 + 0.01 * epoch as f64;
        assert_eq!(run(rising, losses(10, 2.0)), Status::Pass);
        // The loss of early stopping, some epochs behind its best.
        assert_eq!(run(FALLING, losses(40, 0.1)), Status::Pass);
        // The loss of one sample rises, and that of the others does not.
        let mut one = losses(40, -0.01);
        one[0][1] = 20.0;
        assert_eq!(run(FALLING, one), Status::Pass);
    }

    #[test]
    fn a_few_epochs_say_nothing() {
        assert_eq!(check(&Evidence::default()).status, Status::Off);
    }
}
