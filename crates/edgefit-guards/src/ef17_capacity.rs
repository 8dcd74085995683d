//! EF17: the trained part of the network must be large enough to fit the training samples.

use crate::finding::percent;
use crate::statistics::mean;
use crate::{Code, Finding, Status, Symptom};

/// Training accuracy below which the training samples are not fitted.
pub const FITTED: f64 = 0.9;
/// Share of the epochs at either end that are compared.
pub const END: f64 = 0.25;
/// Epochs below which no trend can be seen.
pub const FEWEST_EPOCHS: usize = 4;
/// Gain in accuracy from one quarter of the epochs to another that is a rise.
pub const RISE: f64 = 0.005;

/// Accuracies on the training samples after each epoch, in eval mode without augmentation.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// 0 to 1, one an epoch.
    pub train: Vec<f64>,
    /// Number of training samples.
    pub samples: usize,
}

/// Warns where training accuracy rises but the training samples are not fitted at the end, beyond the
/// noise of their number. Where it does not rise at all, EF10 and EF13 answer.
pub fn check_fit(evidence: &Evidence) -> Finding {
    let epochs = evidence.train.len();
    if epochs < FEWEST_EPOCHS {
        let text = format!("{epochs} epochs are too few to see a trend");
        return Finding::new(Code::Ef17, Status::Off, text);
    }
    let end = ((END * epochs as f64) as usize).max(1);
    let first = mean(&evidence.train[..end]);
    let before = mean(&evidence.train[epochs - 2 * end..epochs - end]);
    let last = mean(&evidence.train[epochs - end..]);
    let text = format!(
        "training accuracy went from {} to {} in {epochs} epochs",
        percent(first),
        percent(last)
    );
    let error = (FITTED * (1.0 - FITTED) / evidence.samples.max(1) as f64).sqrt();
    let unfitted = last < FITTED - error && last - first > RISE;
    if !unfitted {
        return Finding::new(Code::Ef17, Status::Pass, text);
    }
    let fix = if last - before > RISE {
        "still rises: raise `epochs`, or train more layers"
    } else {
        "rises no further: train more layers, or take a larger backbone"
    };
    let finding = Finding::new(Code::Ef17, Status::Warning, format!("{text} and {fix}"));
    finding.of(Symptom::CannotFit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(train: &[f64]) -> Finding {
        check_fit(&Evidence {
            train: train.to_vec(),
            samples: 400,
        })
    }

    #[test]
    fn samples_that_are_not_fitted_are_raised() {
        let rising = fit(&[0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75]);
        assert_eq!(rising.status, Status::Warning);
        assert!(rising.message.contains("still rises"));
        let stuck = fit(&[0.3, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7]);
        assert_eq!(stuck.status, Status::Warning);
        assert!(stuck.message.contains("no further"));
    }

    #[test]
    fn fitted_samples_noise_and_standstill_are_not() {
        assert_eq!(fit(&[0.5, 0.9, 0.99, 1.0]).status, Status::Pass);
        assert_eq!(fit(&[0.5, 0.7, 0.89, 0.89]).status, Status::Pass);
        assert_eq!(fit(&[0.3; 8]).status, Status::Pass);
        assert_eq!(fit(&[0.3]).status, Status::Off);
    }
}
