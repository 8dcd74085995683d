//! EF08: the evaluation must say something about new images.

mod leak;

use serde::{Deserialize, Serialize};

use crate::finding::percent;
use crate::statistics::{ONCE_IN_TWENTY, is_no_better};
use crate::{Code, Finding, Proportion, Status, Symptom};
pub use leak::{ALIKE_BY_CHANCE, LEAKED, LEAKED_MUCH, Leak, UNLIKELY, check_leak};

/// Balanced accuracy of a baseline that sees the sample, from which on the task is easy and a network
/// need not be better.
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
            "no test samples: choices were made by the validation figures, so they are too optimistic",
        ),
        _ => (Status::Pass, "train, validation and test are split"),
    };
    let text = format!("{text} ({train} training, {val} validation, {test} test samples)");
    Finding::new(Code::Ef08, status, text)
}

/// How good a classifier is if every class counts the same: the share of each class that it
/// recognises. One share of all samples, where they have several labels.
///
/// Accuracy alone cannot tell a network from a constant answer where one class is most of the samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recalls(pub Vec<Proportion>);

impl Recalls {
    /// Samples of all classes.
    pub fn samples(&self) -> usize {
        self.0.iter().map(|recall| recall.samples).sum()
    }

    /// Mean over the classes: balanced accuracy.
    pub fn balanced(&self) -> f64 {
        let sum: f64 = self.0.iter().map(|recall| recall.share).sum();
        sum / self.0.len().max(1) as f64
    }

    /// Standard error of the difference between two balanced accuracies.
    fn error_of_difference(&self, other: &Recalls) -> f64 {
        let of = |recalls: &Recalls| {
            let variance: f64 = recalls.0.iter().map(|recall| recall.variance()).sum();
            variance / (recalls.0.len().max(1) as f64).powi(2)
        };
        (of(self) + of(other)).sqrt()
    }
}

/// A classifier that needs no network.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Name, such as `majority` or `raw pixels`.
    pub name: String,
    /// How good it is on the validation samples.
    pub val: Recalls,
    /// Whether it looks at the sample.
    pub sees_input: bool,
}

/// Warns where the balanced accuracy on validation is not above that of the best baseline, and fails
/// where it is below.
///
/// A baseline that does not look at the samples must be beaten by more than one standard error of the
/// difference. One that looks at them may be nearly as good on a few samples: it counts where the
/// network is worse by 1.645 standard errors, or so many samples were looked at that a gain of a quarter
/// of the errors would have shown.
pub fn check_baselines(val: &Recalls, baselines: &[Baseline]) -> Finding {
    let best = |sees_input: bool| {
        let all = baselines.iter();
        all.filter(|baseline| baseline.sees_input == sees_input)
            .max_by(|a, b| a.val.balanced().total_cmp(&b.val.balanced()))
    };
    let of_both = [best(false), best(true)].into_iter().flatten();
    let findings = of_both.map(|baseline| against(val, baseline));
    // The first of the gravest.
    let gravest = findings.reduce(|gravest, other| {
        if other.status > gravest.status {
            other
        } else {
            gravest
        }
    });
    gravest.unwrap_or_else(|| Finding::new(Code::Ef08, Status::Off, "no baseline was fitted"))
}

fn against(val: &Recalls, baseline: &Baseline) -> Finding {
    let gain = val.balanced() - baseline.val.balanced();
    let error = val.error_of_difference(&baseline.val);
    let text = format!(
        "balanced accuracy {} on {} validation samples, baseline '{}' {} (noise {})",
        percent(val.balanced()),
        val.samples(),
        baseline.name,
        percent(baseline.val.balanced()),
        percent(error),
    );
    let (is_worse, is_as_good) = if baseline.sees_input {
        let errors = 1.0 - baseline.val.balanced();
        let easy = baseline.val.balanced() >= EASY;
        (
            gain < -ONCE_IN_TWENTY * error,
            !easy && is_no_better(gain, error, errors),
        )
    } else {
        (gain < -error, gain <= error)
    };
    let finding = if is_worse {
        let text = format!("{text}: the network is worse than the baseline");
        Finding::new(Code::Ef08, Status::Failed, text)
    } else if is_as_good {
        let text =
            format!("{text}: nothing shows that the network is better; add validation samples");
        Finding::new(Code::Ef08, Status::Warning, text)
    } else {
        return Finding::new(Code::Ef08, Status::Pass, text);
    };
    finding.of(Symptom::NoBetterThanBaseline)
}

/// How much of the spread of regression targets is predicted.
#[derive(Debug, Clone, Copy)]
pub struct Determination {
    /// Coefficient of determination R² on the validation samples; 0 is as good as their mean.
    pub r2: f64,
    /// 95 % interval of it.
    pub interval: [f64; 2],
    /// Validation samples.
    pub samples: usize,
}

/// Warns where R² may as well be that of the mean, and fails where it is surely below that of a baseline,
/// each given with its name.
pub fn check_determination(val: &Determination, baselines: &[(&str, f64)]) -> Finding {
    let best = baselines.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((name, best)) = best else {
        return Finding::new(Code::Ef08, Status::Off, "no baseline was fitted");
    };
    let [low, high] = val.interval;
    let text = format!(
        "R² {:.3} on {} validation samples (95 % interval {low:.3} to {high:.3}), baseline '{name}' \
        {best:.3}",
        val.r2, val.samples
    );
    let finding = if high < *best {
        let text = format!("{text}: the network is worse than the baseline");
        Finding::new(Code::Ef08, Status::Failed, text)
    } else if low <= 0.0 {
        let text = format!(
            "{text}: nothing shows that the network is better than the mean; add validation samples"
        );
        Finding::new(Code::Ef08, Status::Warning, text)
    } else {
        return Finding::new(Code::Ef08, Status::Pass, text);
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

    fn recalls(shares: &[f64], samples: &[usize]) -> Recalls {
        let pairs = shares.iter().zip(samples);
        Recalls(
            pairs
                .map(|(&share, &samples)| Proportion::new(share, samples))
                .collect(),
        )
    }

    fn status(val: &Recalls, baseline: Recalls, sees_input: bool) -> Status {
        let baseline = Baseline {
            name: "majority".into(),
            val: baseline,
            sees_input,
        };
        check_baselines(val, &[baseline]).status
    }

    #[test]
    fn validation_in_the_noise_of_a_baseline_is_raised() {
        for (share, samples, expected) in [
            (0.9, 20, Status::Pass),
            (0.55, 20, Status::Warning),
            (0.55, 2000, Status::Pass),
            (0.3, 200, Status::Failed),
        ] {
            let val = recalls(&[share; 2], &[samples; 2]);
            let majority = recalls(&[1.0, 0.0], &[samples; 2]);
            assert_eq!(status(&val, majority, false), expected, "{share} {samples}");
        }
        // Fashion-MNIST at 28 × 28: a linear layer on the pixels is nearly as good.
        for (network, raw, samples, expected) in [
            (0.825, 0.8, 20, Status::Pass),
            (0.8, 0.82, 20, Status::Pass),
            (0.81, 0.81, 1000, Status::Warning),
            (0.7, 0.87, 100, Status::Failed),
        ] {
            let [network, raw] = [network, raw].map(|share| recalls(&[share; 2], &[samples; 2]));
            assert_eq!(status(&network, raw, true), expected, "{samples}");
        }
        assert_eq!(
            check_baselines(&recalls(&[1.0], &[50]), &[]).status,
            Status::Off
        );
    }

    #[test]
    fn a_baseline_that_is_nearly_right_leaves_little_to_win() {
        let val = recalls(&[1.0; 2], &[25; 2]);
        let easy = recalls(&[0.98; 2], &[25; 2]);
        assert_eq!(status(&val, easy, true), Status::Pass);
    }

    /// 99 % of the samples are of one class.
    #[test]
    fn a_network_that_is_the_majority_is_raised_and_one_that_finds_the_few_is_not() {
        let counts = [100, 1];
        let majority = || recalls(&[1.0, 0.0], &counts);
        assert_eq!(status(&majority(), majority(), false), Status::Warning);
        let baselines = [false, true].map(|sees_input| Baseline {
            name: "majority, or as good".into(),
            val: majority(),
            sees_input,
        });
        let finding = check_baselines(&majority(), &baselines);
        assert_eq!(finding.status, Status::Warning, "{}", finding.message);
        // Less accurate than the majority, and better.
        let found = recalls(&[0.96, 1.0], &[100, 5]);
        let majority = recalls(&[1.0, 0.0], &[100, 5]);
        assert_eq!(status(&found, majority, false), Status::Pass);
    }

    #[test]
    fn a_regression_that_is_the_mean_is_raised() {
        for (r2, half, status) in [
            (0.8, 0.1, Status::Pass),
            (0.5, 0.3, Status::Pass),
            (0.1, 0.3, Status::Warning),
            (0.0, 0.0, Status::Warning),
            (0.3, 0.05, Status::Failed),
        ] {
            let val = Determination {
                r2,
                interval: [r2 - half, r2 + half],
                samples: 40,
            };
            let baselines = [("mean", -0.01), ("raw values", 0.4)];
            let baselines = &baselines[..if status == Status::Failed { 2 } else { 1 }];
            let finding = check_determination(&val, baselines);
            assert_eq!(finding.status, status, "{}", finding.message);
        }
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
