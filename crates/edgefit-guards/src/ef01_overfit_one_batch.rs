//! EF01: one batch must be learnt by heart before anything else (Karpathy 2019, A Recipe for
//! Training Neural Networks).

use std::f64::consts::LN_2;

use crate::{Code, Finding, Status, Symptom};

/// Share of the initial loss that may be left.
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
    pub rate: f64,
    /// Loss before the first step.
    pub initial_loss: f64,
    /// Loss after the last step.
    pub final_loss: f64,
    /// Lowest loss that can be reached: 0, or with label smoothing the entropy of the targets.
    pub loss_floor: f64,
    /// Share of the batch that is recognised after the last step.
    pub accuracy: f64,
    /// Global norm of the gradient at the first and at the last step.
    pub gradient_norms: [f64; 2],
    /// Other rates at which the same was tried, and the loss after the last step.
    pub other_rates: Vec<(f64, f64)>,
    /// Samples that have an identical sample of another class in the batch.
    pub contradicting_labels: usize,
}

impl Evidence {
    /// A loss that is no number is not learnt. A model that knows the batch from the start is held
    /// to the loss of guessing between two classes.
    fn is_learnt(&self, loss: f64) -> bool {
        let initial = (self.initial_loss - self.loss_floor).max(LN_2);
        loss - self.loss_floor <= LOSS_LEFT * initial
    }

    /// The rate at which the batch was learnt after all.
    fn better_rate(&self) -> Option<f64> {
        let learnt = |&&(_, loss): &&(f64, f64)| self.is_learnt(loss);
        self.other_rates.iter().find(learnt).map(|(rate, _)| *rate)
    }
}

/// Fails where the batch was not learnt, and says whether the gradient, the labels or the rate look
/// guilty. Labels that alone are in the way are a warning.
pub fn check(evidence: &Evidence) -> Finding {
    let fell = format!(
        "the loss of one batch of {} went from {:.3} to {:.3} in {} steps at rate {:.1e}, \
        accuracy {:.0} %",
        evidence.samples,
        evidence.initial_loss,
        evidence.final_loss,
        evidence.steps,
        evidence.rate,
        100.0 * evidence.accuracy,
    );
    if evidence.accuracy >= 1.0 && evidence.is_learnt(evidence.final_loss) {
        return Finding::new(Code::Ef01, Status::Pass, fell);
    }
    let (status, guilty) = guilty(evidence);
    Finding::new(Code::Ef01, status, format!("{fell}: {guilty}")).of(Symptom::BatchNotLearnt)
}

fn guilty(evidence: &Evidence) -> (Status, String) {
    let [first, last] = evidence.gradient_norms;
    let reachable = 1.0 - evidence.contradicting_labels as f64 / evidence.samples.max(1) as f64;
    let grew = evidence.final_loss > evidence.initial_loss;
    let text = match evidence.better_rate() {
        _ if !first.is_finite() => {
            "the first gradient is not a number; look at the inputs and the loss".into()
        }
        _ if first < NO_GRADIENT => format!(
            "no gradient arrives (norm {first:.1e}); look for frozen weights, dead \
            activations and a loss cut off from the model"
        ),
        Some(better) if better > evidence.rate => {
            format!("at rate {better:.1e} it is learnt, so the rate is too low")
        }
        Some(better) => format!("at rate {better:.1e} it is learnt, so the rate is too high"),
        None if evidence.contradicting_labels > 0 => {
            let text = format!(
                "{} identical samples have different labels, so the labels are guilty",
                evidence.contradicting_labels
            );
            let status = match evidence.accuracy >= reachable {
                true => Status::Warning,
                false => Status::Failed,
            };
            return (status, text);
        }
        None if !last.is_finite() || !evidence.final_loss.is_finite() || grew => {
            "it grows, so the rate is too high or the gradient is wrong".into()
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

    fn learnt() -> Evidence {
        Evidence {
            samples: 16,
            steps: 200,
            rate: 1e-3,
            initial_loss: 2.31,
            final_loss: 0.02,
            accuracy: 1.0,
            gradient_norms: [3.0, 0.01],
            ..Evidence::default()
        }
    }

    #[test]
    fn a_batch_that_is_learnt_passes() {
        assert_eq!(check(&learnt()).status, Status::Pass);
        let smoothed = Evidence {
            final_loss: 0.51,
            loss_floor: 0.5,
            ..learnt()
        };
        assert_eq!(check(&smoothed).status, Status::Pass);
        let known = Evidence {
            initial_loss: 0.001,
            final_loss: 0.0005,
            ..learnt()
        };
        assert_eq!(check(&known).status, Status::Pass);
    }

    #[test]
    fn the_guilty_one_is_named() {
        let stuck = Evidence {
            final_loss: 2.30,
            accuracy: 0.2,
            ..learnt()
        };
        let cases = [
            (vec![(1.0, 0.01)], [3.0, 3.0], 0, "rate is too low"),
            (vec![(1e-6, 0.01)], [3.0, 3.0], 0, "rate is too high"),
            (vec![(1.0, 2.3)], [0.0, 0.0], 0, "no gradient arrives"),
            (vec![], [f64::NAN, 0.0], 0, "not a number"),
            (vec![], [3.0, 3.0], 2, "labels are guilty"),
            (vec![], [3.0, 3.0], 0, "tell the samples apart"),
        ];
        for (other_rates, gradient_norms, contradicting_labels, expected) in cases {
            let finding = check(&Evidence {
                other_rates,
                gradient_norms,
                contradicting_labels,
                ..stuck.clone()
            });
            assert_eq!(finding.status, Status::Failed);
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
    }

    #[test]
    fn a_contradiction_alone_does_not_stop() {
        let contradiction = Evidence {
            final_loss: 0.2,
            accuracy: 15.0 / 16.0,
            contradicting_labels: 2,
            ..learnt()
        };
        assert_eq!(check(&contradiction).status, Status::Warning);
    }

    #[test]
    fn a_loss_that_is_no_number_fails() {
        let exploded = Evidence {
            final_loss: f64::NAN,
            ..learnt()
        };
        let finding = check(&exploded);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("too high"), "{}", finding.message);
    }
}
