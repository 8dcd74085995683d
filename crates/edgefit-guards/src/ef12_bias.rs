//! EF12: the bias of the head starts at the class prior, and every convolution has an offset.

use crate::finding::some_of;
use crate::{Code, Finding, Status, Symptom};

/// Relative difference from the expected loss that is tolerated.
pub const TOLERANCE: f64 = 0.2;
/// Absolute difference that is tolerated, for priors that are nearly certain.
pub const ABSOLUTE_TOLERANCE: f64 = 0.02;

/// Loss of a new head, before the first step.
#[derive(Debug, Clone, Default)]
pub struct InitialLoss {
    /// Mean loss over some samples.
    pub loss: f64,
    /// Share of each class among those samples, as the loss weighs them; sums to 1. One list for
    /// single-label classes; for multi-label samples, one of two shares for each label.
    pub priors: Vec<Vec<f64>>,
    /// Share of the target that is spread over all classes.
    pub label_smoothing: f64,
}

impl InitialLoss {
    /// Loss of a head that predicts the prior for every input: the cross-entropy of the smoothed
    /// targets, which without smoothing is the entropy of the prior; the mean over the labels.
    pub fn expected(&self) -> f64 {
        let of = |prior: &Vec<f64>| -> f64 {
            let present = prior.iter().filter(|share| **share > 0.0);
            let even = self.label_smoothing / prior.len().max(1) as f64;
            let target = |share: f64| (1.0 - self.label_smoothing) * share + even;
            present.map(|&share| -target(share) * share.ln()).sum()
        };
        self.priors.iter().map(of).sum::<f64>() / self.priors.len().max(1) as f64
    }
}

/// Warns where the initial loss is not that of the class prior.
pub fn check_initial_loss(initial: &InitialLoss) -> Finding {
    let expected = initial.expected();
    let text = format!(
        "the first loss is {:.3}, and that of the class prior is {expected:.3}",
        initial.loss
    );
    let difference = (initial.loss - expected).abs();
    if difference <= (TOLERANCE * expected).max(ABSOLUTE_TOLERANCE) {
        return Finding::new(Code::Ef12, Status::Pass, text);
    }
    let fix = if initial.loss < expected {
        "an untrained head cannot be that good; look at the loss function"
    } else {
        "set the bias of the head to the log of the prior"
    };
    let finding = Finding::new(Code::Ef12, Status::Warning, format!("{text}: {fix}"));
    finding.of(Symptom::InitialLoss)
}

/// A convolution and what shifts its output.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// Name of the layer.
    pub name: String,
    /// Whether it has a bias, its own or by an addition after it.
    pub bias: bool,
    /// Whether normalisation follows.
    pub normalised: bool,
}

/// Warns of convolutions with neither a bias nor normalisation after them.
pub fn check_convolutions(convolutions: &[Convolution]) -> Finding {
    let bare = convolutions
        .iter()
        .filter(|conv| !conv.bias && !conv.normalised);
    let names = some_of(bare.map(|conv| conv.name.as_str()));
    if names.is_empty() {
        let text = format!("each of {} convolutions has an offset", convolutions.len());
        return Finding::new(Code::Ef12, Status::Pass, text);
    }
    let text = format!("convolutions with neither bias nor normalisation: {names}");
    Finding::new(Code::Ef12, Status::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial(loss: f64, prior: &[f64], label_smoothing: f64) -> Finding {
        check_initial_loss(&InitialLoss {
            loss,
            priors: vec![prior.to_vec()],
            label_smoothing,
        })
    }

    #[test]
    fn a_loss_that_is_not_the_priors_is_raised() {
        let even = [0.1; 10];
        assert_eq!(initial(2.31, &even, 0.0).status, Status::Pass);
        assert_eq!(initial(2.31, &even, 0.1).status, Status::Pass);
        assert_eq!(initial(4.0, &even, 0.0).status, Status::Warning);
        assert_eq!(initial(0.23, &even, 0.0).status, Status::Warning);
        assert_eq!(initial(f64::NAN, &even, 0.0).status, Status::Warning);
        // A bias of zero on classes of 9 to 1.
        let zero = initial(2f64.ln(), &[0.9, 0.1], 0.0);
        assert_eq!(zero.status, Status::Warning);
        assert!(zero.message.contains("0.693") && zero.message.contains("0.325"));
        assert_eq!(initial(0.001, &[1.0, 0.0], 0.0).status, Status::Pass);
    }

    #[test]
    fn smoothing_raises_the_expected_loss() {
        let smoothed = InitialLoss {
            priors: vec![vec![0.9, 0.1]],
            label_smoothing: 0.2,
            ..InitialLoss::default()
        };
        let expected = -(0.82 * 0.9f64.ln() + 0.18 * 0.1f64.ln());
        assert!((smoothed.expected() - expected).abs() < 1e-12);
        let labels = InitialLoss {
            priors: vec![vec![0.5, 0.5], vec![1.0, 0.0]],
            ..InitialLoss::default()
        };
        assert!((labels.expected() - 2f64.ln() / 2.0).abs() < 1e-12);
    }

    #[test]
    fn bare_convolutions_are_raised() {
        let conv = |bias, normalised| {
            [Convolution {
                name: "conv7".into(),
                bias,
                normalised,
            }]
        };
        assert_eq!(check_convolutions(&conv(true, false)).status, Status::Pass);
        assert_eq!(check_convolutions(&conv(false, true)).status, Status::Pass);
        let finding = check_convolutions(&conv(false, false));
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.message.contains("conv7"));
    }
}
