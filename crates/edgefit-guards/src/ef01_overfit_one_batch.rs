//! EF01: overfit a single batch before anything else (Karpathy 2019, A Recipe for Training Neural
//! Networks).

use std::f64::consts::LN_2;

use crate::finding::short;
use crate::{Code, Finding, Status, Symptom};

/// Share of the initial loss at which a batch is overfitted.
pub const LOSS_LEFT: f64 = 0.05;
/// Norm of the first gradient below which none arrives.
pub const NO_GRADIENT: f64 = 1e-12;

/// Training on one batch again and again.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Samples of the batch.
    pub samples: usize,
    /// Steps that were made.
    pub steps: usize,
    /// Their learning rate.
    pub learning_rate: f64,
    /// Loss before the first step.
    pub initial_loss: f64,
    /// Loss after the last step.
    pub final_loss: f64,
    /// Lowest loss that can be reached: 0, or with label smoothing the entropy of the targets.
    pub loss_floor: f64,
    /// Accuracy on the batch after the last step; `None` for regression.
    pub accuracy: Option<f64>,
    /// Global norm of the gradient at the first and at the last step.
    pub gradient_norms: [f64; 2],
    /// Other learning rates that were tried, each with the loss after its last step.
    pub other_learning_rates: Vec<(f64, f64)>,
    /// Samples that have an identical sample of another class in the batch.
    pub contradicting_labels: usize,
    /// Whether only a head was trained, on a backbone that looks untrained.
    pub untrained_backbone: bool,
}

impl Evidence {
    /// Never for a non-finite loss. A model that knows the batch from the start is held to the loss
    /// of guessing between two classes.
    fn is_overfitted(&self, loss: f64) -> bool {
        let initial = (self.initial_loss - self.loss_floor).max(LN_2);
        loss - self.loss_floor <= LOSS_LEFT * initial
    }

    /// Whether so large a share of the batch is classified rightly; always for regression.
    fn is_right(&self, share: f64) -> bool {
        self.accuracy.is_none_or(|accuracy| accuracy >= share)
    }

    /// The first other learning rate that overfits the batch.
    fn better_learning_rate(&self) -> Option<f64> {
        let overfits = |&&(_, loss): &&(f64, f64)| self.is_overfitted(loss);
        let better = self.other_learning_rates.iter().find(overfits);
        better.map(|(learning_rate, _)| *learning_rate)
    }
}

/// Fails where the batch was not overfitted, and says whether the gradient, the backbone, the labels or
/// the learning rate look wrong. Labels that are the only obstacle are a warning.
pub fn check(evidence: &Evidence) -> Finding {
    let fell = format!(
        "the loss of one batch of {} went from {:.3} to {:.3} in {} steps at learning rate {}{}",
        evidence.samples,
        evidence.initial_loss,
        evidence.final_loss,
        evidence.steps,
        short(evidence.learning_rate),
        match evidence.accuracy {
            Some(accuracy) => format!(", accuracy {:.0} %", 100.0 * accuracy),
            None => String::new(),
        },
    );
    if evidence.is_right(1.0) && evidence.is_overfitted(evidence.final_loss) {
        return Finding::new(Code::Ef01, Status::Pass, fell);
    }
    let (status, cause) = likely_cause(evidence);
    Finding::new(Code::Ef01, status, format!("{fell}: {cause}")).of(Symptom::BatchNotOverfitted)
}

fn likely_cause(evidence: &Evidence) -> (Status, String) {
    let [first, last] = evidence.gradient_norms;
    let reachable = 1.0 - evidence.contradicting_labels as f64 / evidence.samples.max(1) as f64;
    let grew = evidence.final_loss > evidence.initial_loss;
    let text = match evidence.better_learning_rate() {
        _ if !first.is_finite() => {
            "the first gradient is not finite; look at the inputs and the loss".into()
        }
        _ if first < NO_GRADIENT => format!(
            "no gradient arrives (norm {first:.1e}); look for frozen weights, dead \
            activations and a loss cut off from the model"
        ),
        _ if evidence.untrained_backbone => {
            "the backbone looks untrained, so its features may not tell the samples apart; start from \
             pretrained weights"
                .into()
        }
        Some(better) => {
            let how = if better > evidence.learning_rate {
                "low"
            } else {
                "high"
            };
            format!(
                "it is overfitted at learning rate {}, so the learning rate is too {how}",
                short(better)
            )
        }
        None if evidence.contradicting_labels > 0 => {
            let text = format!(
                "{} identical samples have different labels, so the labels are wrong",
                evidence.contradicting_labels
            );
            let status = if evidence.is_right(reachable) {
                Status::Warning
            } else {
                Status::Failed
            };
            return (status, text);
        }
        None if !last.is_finite() || !evidence.final_loss.is_finite() || grew => {
            "it grows, so the learning rate is too high or the gradient is wrong".into()
        }
        None => format!(
            "the gradient arrives (norm {first:.1e}), so look at the loss, at the labels, \
            and at whether the trained layers can tell the samples apart"
        ),
    };
    (Status::Failed, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overfitted() -> Evidence {
        Evidence {
            samples: 16,
            steps: 200,
            learning_rate: 1e-3,
            initial_loss: 2.31,
            final_loss: 0.02,
            accuracy: Some(1.0),
            gradient_norms: [3.0, 0.01],
            ..Evidence::default()
        }
    }

    #[test]
    fn a_batch_that_is_overfitted_passes() {
        assert_eq!(check(&overfitted()).status, Status::Pass);
        let smoothed = Evidence {
            final_loss: 0.51,
            loss_floor: 0.5,
            ..overfitted()
        };
        assert_eq!(check(&smoothed).status, Status::Pass);
        let known = Evidence {
            initial_loss: 0.001,
            final_loss: 0.0005,
            ..overfitted()
        };
        assert_eq!(check(&known).status, Status::Pass);
    }

    #[test]
    fn the_likely_cause_is_named() {
        let stuck = Evidence {
            final_loss: 2.30,
            accuracy: Some(0.2),
            ..overfitted()
        };
        let cases = [
            (vec![(1.0, 0.01)], [3.0, 3.0], 0, "learning rate is too low"),
            (
                vec![(1e-6, 0.01)],
                [3.0, 3.0],
                0,
                "learning rate is too high",
            ),
            (vec![(1.0, 2.3)], [0.0, 0.0], 0, "no gradient arrives"),
            (vec![], [f64::NAN, 0.0], 0, "not finite"),
            (vec![], [3.0, 3.0], 2, "labels are wrong"),
            (vec![], [3.0, 3.0], 0, "tell the samples apart"),
        ];
        for (other_learning_rates, gradient_norms, contradicting_labels, expected) in cases {
            let finding = check(&Evidence {
                other_learning_rates,
                gradient_norms,
                contradicting_labels,
                ..stuck.clone()
            });
            assert_eq!(finding.status, Status::Failed);
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
    }

    #[test]
    fn an_untrained_backbone_is_suspected_before_the_learning_rate() {
        let finding = check(&Evidence {
            final_loss: 2.2,
            accuracy: Some(0.3),
            other_learning_rates: vec![(0.3, 0.01)],
            untrained_backbone: true,
            ..overfitted()
        });
        assert!(finding.message.contains("untrained"), "{}", finding.message);
        assert!(!finding.message.contains("too low"), "{}", finding.message);
    }

    #[test]
    fn a_contradiction_alone_does_not_stop() {
        let contradiction = Evidence {
            final_loss: 0.2,
            accuracy: Some(15.0 / 16.0),
            contradicting_labels: 2,
            ..overfitted()
        };
        assert_eq!(check(&contradiction).status, Status::Warning);
    }

    #[test]
    fn a_regression_has_no_accuracy() {
        let regression = Evidence {
            accuracy: None,
            ..overfitted()
        };
        let finding = check(&regression);
        assert_eq!(finding.status, Status::Pass);
        assert!(!finding.message.contains("accuracy"), "{}", finding.message);
    }

    #[test]
    fn a_non_finite_loss_fails() {
        let exploded = Evidence {
            final_loss: f64::NAN,
            ..overfitted()
        };
        let finding = check(&exploded);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("too high"), "{}", finding.message);
    }
}
