//! EF19: the pretrained features of the backbone must be used and kept.

use crate::finding::percent;
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Learning rate of the backbone over that of the head, from which on it is too high.
pub const SAME_LEARNING_RATE: f64 = 0.5;
/// Training samples below which a backbone cannot be trained from scratch.
pub const FROM_SCRATCH: usize = 10_000;
/// Accuracy on raw pixels from which on the task is easy and features need not be better.
pub const EASY: f64 = 0.95;

/// A stage, and the linear probe on frozen features before it.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// Name, such as `top`.
    pub name: &'a str,
    /// Validation accuracy of the probe.
    pub probe: Proportion,
    /// Validation accuracy after the stage.
    pub tuned: Proportion,
    /// Whether its weights are used; otherwise those before it are.
    pub kept: bool,
}

/// Warns where fine-tuning is worse than the probe by more than the noise and its weights are used.
pub fn check_stage(stage: Stage) -> Finding {
    let Stage {
        name,
        probe,
        tuned,
        kept,
    } = stage;
    let text = format!(
        "validation accuracy {} after stage '{name}', {} of the linear probe",
        percent(tuned.share),
        percent(probe.share)
    );
    let worse = tuned.above(probe) < -1.0;
    if !worse {
        return Finding::new(Code::Ef19, Status::Pass, text);
    }
    if !kept {
        let text = format!("{text}: the stage was discarded");
        return Finding::new(Code::Ef19, Status::Fixed, text);
    }
    let text =
        format!("{text}: fine-tuning made it worse; lower the learning rate of the backbone");
    Finding::new(Code::Ef19, Status::Warning, text).of(Symptom::PoorTransfer)
}

/// Warns where a linear probe on the features is no better than one on raw pixels, which is within
/// one standard error of it, on a task that is not easy.
pub fn check_features(features: Proportion, pixels: Proportion) -> Finding {
    let text = format!(
        "validation accuracy {} on features, {} on raw pixels",
        percent(features.share),
        percent(pixels.share)
    );
    if features.above(pixels) <= 1.0 && pixels.share < EASY {
        let text = format!(
            "{text}: the features of the backbone do not help with these images; look at its \
            weights and at the preprocessing"
        );
        return Finding::new(Code::Ef19, Status::Warning, text).of(Symptom::PoorTransfer);
    }
    Finding::new(Code::Ef19, Status::Pass, text)
}

/// Warns where pretrained layers get the learning rate of a new head.
pub fn check_learning_rates(head: f64, backbone: f64) -> Finding {
    let text = format!("learning rate {head:.1e} for the head and {backbone:.1e} for the backbone");
    if backbone >= SAME_LEARNING_RATE * head {
        let text =
            format!("{text}: the pretrained features are overwritten; give the backbone a tenth");
        return Finding::new(Code::Ef19, Status::Warning, text);
    }
    Finding::new(Code::Ef19, Status::Pass, text)
}

/// What training starts from.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Whether the backbone has pretrained weights.
    pub pretrained: bool,
    /// Training samples.
    pub samples: usize,
}

/// Warns where a backbone is trained without pretrained weights on too few samples.
pub fn check_start(start: Start) -> Finding {
    let Start {
        pretrained,
        samples,
    } = start;
    if pretrained || samples >= FROM_SCRATCH {
        let text = "the backbone has pretrained weights, or enough samples to train from scratch";
        return Finding::new(Code::Ef19, Status::Pass, text);
    }
    let text = format!(
        "the backbone is trained from scratch on {samples} samples, fewer than {FROM_SCRATCH}; \
        start from pretrained weights"
    );
    Finding::new(Code::Ef19, Status::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(share: f64) -> Proportion {
        Proportion::new(share, 100)
    }

    #[test]
    fn fine_tuning_that_is_worse_is_raised_or_discarded() {
        let stage = |tuned, kept| {
            let (name, probe, tuned) = ("top", of(0.9), of(tuned));
            check_stage(Stage {
                name,
                probe,
                tuned,
                kept,
            })
            .status
        };
        assert_eq!(stage(0.7, true), Status::Warning);
        assert_eq!(stage(0.7, false), Status::Fixed);
        assert_eq!(stage(0.88, true), Status::Pass);
        assert_eq!(stage(0.95, true), Status::Pass);
    }

    #[test]
    fn features_no_better_than_pixels_are_raised() {
        assert_eq!(check_features(of(0.42), of(0.4)).status, Status::Warning);
        assert_eq!(check_features(of(0.9), of(0.4)).status, Status::Pass);
        assert_eq!(check_features(of(0.98), of(0.97)).status, Status::Pass);
    }

    #[test]
    fn learning_rates_and_training_from_scratch_are_raised() {
        assert_eq!(check_learning_rates(1e-3, 1e-3).status, Status::Warning);
        assert_eq!(check_learning_rates(1e-3, 1e-4).status, Status::Pass);
        let scratch = |pretrained, samples| {
            let start = Start {
                pretrained,
                samples,
            };
            check_start(start).status
        };
        assert_eq!(scratch(false, 900), Status::Warning);
        assert_eq!(scratch(false, 50_000), Status::Pass);
        assert_eq!(scratch(true, 900), Status::Pass);
    }
}
