//! EF19: the pretrained features of the backbone must be used and kept.

mod initial_weights;

use crate::finding::{percent, short};
use crate::statistics::{ONCE_IN_TWENTY, is_no_better};
use crate::{Code, Finding, Proportion, Status, Symptom};
pub use initial_weights::{Weight, looks_untrained};

/// Learning rate of the backbone over that of the head, from which on it is too high.
pub const SAME_LEARNING_RATE: f64 = 0.5;
/// Training samples below which a backbone cannot be trained from scratch.
pub const FROM_SCRATCH: usize = 10_000;
/// Accuracy on raw samples from which on the task is easy and features need not be better.
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

/// Warns where fine-tuning is worse than the probe by more than chance makes once in twenty times, and
/// its weights are used.
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
    let worse = tuned.above(probe) < -ONCE_IN_TWENTY;
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

/// What a linear layer makes of the features of the backbone, and of the samples as they are.
#[derive(Debug, Clone, Copy)]
pub struct Features<'a> {
    /// Validation accuracy on features: the linear probe.
    pub features: Proportion,
    /// What the samples are without a network, such as `raw pixels`.
    pub raw_name: &'a str,
    /// Validation accuracy on them.
    pub raw: Proportion,
    /// Validation accuracy of the weights that are used, after all stages.
    pub used: Proportion,
    /// Whether [`looks_untrained`] says so of the backbone.
    pub untrained: bool,
}

/// Fails where the features of the backbone are worse than the samples as they are, and warns where
/// they are no better, on a task that is not easy; unless later stages made them better.
///
/// Both by more than chance makes: worse by 1.645 standard errors of the difference; no better where they
/// are not above by one, and so many samples were looked at that a gain of a quarter of the errors would
/// have shown once in twenty times at least.
pub fn check_features(evidence: &Features) -> Finding {
    let Features {
        features,
        raw_name,
        raw,
        used,
        untrained,
    } = *evidence;
    let text = format!(
        "validation accuracy {} on features, {} on {raw_name}",
        percent(features.share),
        percent(raw.share)
    );
    let gain = features.share - raw.share;
    let error = features.error_of_difference(raw);
    let status = match () {
        () if raw.share >= EASY || used.above(raw) > 1.0 => Status::Pass,
        () if gain < -ONCE_IN_TWENTY * error => Status::Failed,
        () if is_no_better(gain, error, 1.0 - raw.share) => Status::Warning,
        () => Status::Pass,
    };
    if !status.is_raised() {
        return Finding::new(Code::Ef19, Status::Pass, text);
    }
    if untrained {
        let text = format!(
            "{text}: the backbone looks untrained, so its features say little; start from pretrained \
            weights"
        );
        return Finding::new(Code::Ef19, status, text);
    }
    let text = format!(
        "{text}: the features of the backbone do not help with these samples; look at its weights and \
        at how its inputs are prepared"
    );
    Finding::new(Code::Ef19, status, text).of(Symptom::PoorTransfer)
}

/// Warns where pretrained layers get the learning rate of a new head.
pub fn check_learning_rates(head: f64, backbone: f64) -> Finding {
    let text = format!(
        "learning rate {} for the head and {} for the backbone",
        short(head),
        short(backbone)
    );
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
    /// Whether the backbone has pretrained weights; see [`looks_untrained`].
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
        assert_eq!(stage(0.84, true), Status::Pass);
        assert_eq!(stage(0.95, true), Status::Pass);
    }

    fn features(features: Proportion, raw: Proportion) -> Features<'static> {
        Features {
            features,
            raw_name: "raw values",
            raw,
            used: features,
            untrained: false,
        }
    }

    #[test]
    fn features_no_better_than_the_samples_themselves_are_raised() {
        for (shares, samples, status) in [
            ([0.28, 0.87], 100, Status::Failed),
            ([0.42, 0.4], 100, Status::Warning),
            ([0.9, 0.4], 100, Status::Pass),
            ([0.98, 0.97], 100, Status::Pass),
            // Five samples say nothing either way.
            ([1.0, 0.8], 5, Status::Pass),
            ([0.8, 0.8], 5, Status::Pass),
            ([0.8, 1.0], 5, Status::Pass),
            // A gain that many samples show is of use, however small.
            ([0.87, 0.85], 1000, Status::Pass),
            ([0.85, 0.85], 1000, Status::Warning),
        ] {
            let [a, b] = shares.map(|share| Proportion::new(share, samples));
            let finding = check_features(&features(a, b));
            assert_eq!(finding.status, status, "{}", finding.message);
            assert!(finding.message.contains("on raw values"));
        }
    }

    #[test]
    fn later_stages_can_make_up_for_poor_features() {
        let made_up = Features {
            used: of(0.97),
            ..features(of(0.28), of(0.87))
        };
        assert_eq!(check_features(&made_up).status, Status::Pass);
    }

    /// A learning rate that was found wanting does not explain it away.
    #[test]
    fn an_untrained_backbone_is_a_cause_and_no_symptom() {
        let untrained = Features {
            untrained: true,
            ..features(of(0.28), of(0.87))
        };
        let finding = check_features(&untrained);
        assert_eq!((finding.status, finding.symptom), (Status::Failed, None));
        assert!(finding.message.contains("untrained"), "{}", finding.message);
        let trained = check_features(&features(of(0.28), of(0.87)));
        assert_eq!(trained.symptom, Some(Symptom::PoorTransfer));
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
