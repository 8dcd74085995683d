//! EF08: the evaluation must say something about new images.

use crate::finding::percent;
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Share of the held-out samples that may look like a training sample: plain images collide in a
/// perceptual hash without being copies.
pub const LEAKED: f64 = 0.01;
/// The same, above which the evaluation is worthless.
pub const LEAKED_MUCH: f64 = 0.10;
/// Accuracy of a baseline that sees the image, from which on the task is easy and a network need not
/// be better.
pub const EASY: f64 = 0.95;
/// How far validation accuracy may be above training accuracy, in standard errors, beyond [`ABOVE`].
pub const ERRORS: f64 = 3.0;
/// How far validation accuracy may be above training accuracy.
pub const ABOVE: f64 = 0.05;

/// Samples of the splits.
#[derive(Debug, Clone, Copy)]
pub struct Split {
    /// Training samples.
    pub train: usize,
    /// Validation samples, on which choices are made.
    pub val: usize,
    /// Test samples, read once.
    pub test: usize,
}

/// Fails without validation samples, and warns without test samples.
pub fn check_split(split: Split) -> Finding {
    let Split { train, val, test } = split;
    let (status, text) = match (val, test) {
        (0, _) => (
            Status::Failed,
            "no validation samples: nothing can be chosen, and nothing is known about new images",
        ),
        (_, 0) => (
            Status::Warning,
            "no test samples: choices were made by the validation accuracy, so it is too optimistic",
        ),
        _ => (Status::Pass, "train, validation and test are split"),
    };
    let text = format!("{text} ({train} training, {val} validation, {test} test samples)");
    Finding::new(Code::Ef08, status, text)
}

/// Images of validation and test that look like a training image.
#[derive(Debug, Clone, Default)]
pub struct Leak {
    /// How many there are.
    pub near_duplicates: usize,
    /// Samples of validation and test together.
    pub held_out: usize,
    /// One of them, and the training image that it looks like.
    pub example: Option<(String, String)>,
}

/// Warns of copies across the split, and fails where they are many.
pub fn check_leak(leak: &Leak) -> Finding {
    let share = leak.near_duplicates as f64 / leak.held_out.max(1) as f64;
    let example = leak.example.as_ref();
    let example = example.map_or(String::new(), |(a, b)| format!(", such as {a} and {b}"));
    let text = format!(
        "{} of {} held-out images look like a training image{example}",
        leak.near_duplicates, leak.held_out
    );
    let status = match share {
        _ if share > LEAKED_MUCH => Status::Failed,
        _ if share > LEAKED => Status::Warning,
        _ => Status::Pass,
    };
    Finding::new(Code::Ef08, status, text)
}

/// A classifier that needs no network.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Name, such as `majority` or `raw pixels`.
    pub name: String,
    /// Its accuracy on the validation samples.
    pub val: Proportion,
    /// Whether it looks at the image.
    pub sees_image: bool,
}

/// Warns where validation accuracy is not above the best baseline by more than the noise, one
/// standard error of the difference, and fails where it is below by more than that.
pub fn check_baselines(val: Proportion, baselines: &[Baseline]) -> Finding {
    let share = |baseline: &&Baseline| baseline.val.share;
    let best = baselines
        .iter()
        .max_by(|a, b| share(a).total_cmp(&share(b)));
    let Some(best) = best else {
        return Finding::new(Code::Ef08, Status::Off, "no baseline was fitted");
    };
    let above = val.above(best.val);
    let text = format!(
        "validation accuracy {} on {} samples, baseline '{}' {} (noise {})",
        percent(val.share),
        val.samples,
        best.name,
        percent(best.val.share),
        percent(val.error_of_difference(best.val)),
    );
    if above > 1.0 {
        return Finding::new(Code::Ef08, Status::Pass, text);
    }
    let finding = if above < -1.0 {
        let text = format!("{text}: the network is worse than the baseline");
        Finding::new(Code::Ef08, Status::Failed, text)
    } else if best.sees_image && best.val.share >= EASY {
        return Finding::new(Code::Ef08, Status::Pass, format!("{text}: an easy task"));
    } else {
        let text =
            format!("{text}: nothing shows that the network is better; add validation samples");
        Finding::new(Code::Ef08, Status::Warning, text)
    };
    finding.of(Symptom::NoBetterThanBaseline)
}

/// Warns where validation accuracy is much above training accuracy, both in eval mode on images
/// without augmentation.
pub fn check_order(train: Proportion, val: Proportion) -> Finding {
    let over = val.share - train.share;
    let text = format!(
        "accuracy {} in training, {} in validation",
        percent(train.share),
        percent(val.share)
    );
    let suspicious = over > ABOVE + ERRORS * val.error_of_difference(train);
    if !suspicious {
        return Finding::new(Code::Ef08, Status::Pass, text);
    }
    let text = format!(
        "{text}: validation is easier than training, or its images are among those of training"
    );
    Finding::new(Code::Ef08, Status::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_split_is_raised() {
        for (val, test, status) in [
            (20, 20, Status::Pass),
            (0, 20, Status::Failed),
            (20, 0, Status::Warning),
        ] {
            let split = Split {
                train: 100,
                val,
                test,
            };
            assert_eq!(check_split(split).status, status);
        }
    }

    #[test]
    fn copies_across_the_split_are_raised() {
        let leak = |near_duplicates| Leak {
            near_duplicates,
            held_out: 200,
            example: Some(("a.jpg".into(), "b.jpg".into())),
        };
        for (count, status) in [
            (0, Status::Pass),
            (1, Status::Pass),
            (10, Status::Warning),
            (50, Status::Failed),
        ] {
            assert_eq!(check_leak(&leak(count)).status, status, "{count}");
        }
    }

    #[test]
    fn validation_in_the_noise_of_a_baseline_is_raised() {
        let majority = |share, samples| {
            [Baseline {
                name: "majority".into(),
                val: Proportion::new(share, samples),
                sees_image: false,
            }]
        };
        for (share, baseline, samples, status) in [
            (0.9, 0.3, 40, Status::Pass),
            (0.35, 0.3, 40, Status::Warning),
            (0.35, 0.3, 4000, Status::Pass),
            (0.1, 0.3, 400, Status::Failed),
            (0.97, 0.97, 400, Status::Warning),
        ] {
            let val = Proportion::new(share, samples);
            let finding = check_baselines(val, &majority(baseline, samples));
            assert_eq!(finding.status, status, "{}", finding.message);
        }
        let easy = [Baseline {
            sees_image: true,
            ..majority(0.98, 50)[0].clone()
        }];
        assert_eq!(
            check_baselines(Proportion::new(1.0, 50), &easy).status,
            Status::Pass
        );
        assert_eq!(
            check_baselines(Proportion::new(1.0, 50), &[]).status,
            Status::Off
        );
    }

    #[test]
    fn validation_far_above_training_is_raised() {
        let of = |train, val, samples| {
            check_order(Proportion::new(train, 500), Proportion::new(val, samples)).status
        };
        assert_eq!(of(0.7, 0.95, 200), Status::Warning);
        assert_eq!(of(0.7, 0.85, 20), Status::Pass);
        assert_eq!(of(0.99, 0.95, 200), Status::Pass);
    }
}
