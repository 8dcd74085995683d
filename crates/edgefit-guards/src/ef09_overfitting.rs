//! EF09: the trained part is too complex for the number of images.

use crate::finding::percent;
use crate::statistics::mean;
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Training minus validation accuracy that is a gap.
pub const GAP: f64 = 0.15;
/// Epochs that are averaged, so that one lucky epoch is not the best.
pub const WINDOW: usize = 3;
/// Epochs below which no trend can be seen.
pub const FEWEST_EPOCHS: usize = 6;

/// Accuracies after each epoch, in eval mode on images without augmentation.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// On the training samples.
    pub train: Vec<f64>,
    /// On the validation samples.
    pub val: Vec<f64>,
    /// Number of training samples.
    pub train_samples: usize,
    /// Number of validation samples.
    pub val_samples: usize,
}

/// Warns where the gap at the end is beyond [`GAP`] and the noise while validation has fallen from its best
/// by more than chance makes the best of so many: the highest of k means is expected up to √(2 ln k)
/// standard errors above what they all measure (Boucheron, Lugosi & Massart 2013, theorem 2.5).
pub fn check(evidence: &Evidence) -> Finding {
    let epochs = evidence.train.len().min(evidence.val.len());
    if epochs < FEWEST_EPOCHS {
        let text = format!("{epochs} epochs are too few to see a trend");
        return Finding::new(Code::Ef09, Status::Off, text);
    }
    let last = |values: &[f64]| mean(&values[values.len() - WINDOW..]);
    let best = evidence.val.windows(WINDOW).map(mean).fold(0.0, f64::max);
    let train = Proportion::new(last(&evidence.train), evidence.train_samples);
    let val = Proportion::new(last(&evidence.val), evidence.val_samples);

    let gap = train.share - val.share;
    let text = format!(
        "accuracy {} in training and {} in validation at the end, best {}",
        percent(train.share),
        percent(val.share),
        percent(best)
    );
    // The error of the difference of two equal shares is √2 times that of one.
    let error = val.error_of_difference(val) / 2f64.sqrt();
    let windows = (evidence.val.len() / WINDOW) as f64;
    let noise = error * (2.0 * windows.ln()).sqrt();
    let has_gap = gap > GAP && gap > train.error_of_difference(val);
    let falls = best - val.share > noise;
    if !has_gap || !falls {
        return Finding::new(Code::Ef09, Status::Pass, text);
    }
    let text = format!("{text}: it overfits; train fewer layers, or regularise more");
    Finding::new(Code::Ef09, Status::Warning, text).of(Symptom::Gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(val: impl Fn(usize) -> f64, val_samples: usize) -> Finding {
        check(&Evidence {
            train: (0..30)
                .map(|epoch| (0.5 + 0.05 * epoch as f64).min(1.0))
                .collect(),
            val: (0..30).map(val).collect(),
            train_samples: 400,
            val_samples,
        })
    }

    #[test]
    fn a_gap_that_opens_is_raised() {
        let falling = |epoch: usize| 0.8 - 0.01 * epoch as f64;
        assert_eq!(run(falling, 200).status, Status::Warning);
    }

    #[test]
    fn a_gap_alone_and_noise_alone_are_not() {
        assert_eq!(run(|_| 0.75, 200).status, Status::Pass);
        let noisy = |epoch: usize| 0.7 + if epoch.is_multiple_of(2) { 0.05 } else { -0.05 };
        assert_eq!(run(noisy, 40).status, Status::Pass);
        let lucky = |epoch: usize| 0.7 + if (9..12).contains(&epoch) { 0.1 } else { 0.0 };
        assert_eq!(run(lucky, 30).status, Status::Pass);
        let rising = |epoch: usize| 0.5 + 0.01 * epoch as f64;
        assert_eq!(run(rising, 200).status, Status::Pass);
    }

    #[test]
    fn a_few_epochs_say_nothing() {
        assert_eq!(check(&Evidence::default()).status, Status::Off);
    }
}
