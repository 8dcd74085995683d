//! EF17: the trained part must be large enough for the task, and the whole no larger than needed.

use crate::finding::percent;
use crate::statistics::mean;
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Training accuracy below which the training samples are not fitted.
pub const FITTED: f64 = 0.9;
/// Share of the epochs at either end that are compared.
pub const PART: f64 = 0.25;
/// Epochs below which no course can be seen.
pub const FEWEST_EPOCHS: usize = 4;
/// Accuracy from one part of the epochs to the next that is a rise.
pub const RISE: f64 = 0.005;

/// Accuracies on the training samples after each epoch, in eval mode without augmentation.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// 0 to 1, one an epoch.
    pub train: Vec<f64>,
    /// Number of training samples.
    pub samples: usize,
}

/// Warns where the training samples are learnt but not fitted at the end, beyond the noise of their
/// number. Where nothing is learnt at all, EF10 and EF13 answer.
pub fn check_fit(evidence: &Evidence) -> Finding {
    let epochs = evidence.train.len();
    if epochs < FEWEST_EPOCHS {
        let text = format!("{epochs} epochs show no course");
        return Finding::new(Code::Ef17, Status::Off, text);
    }
    let part = ((PART * epochs as f64) as usize).max(1);
    let (first, _) = mean(&evidence.train[..part]);
    let (before, _) = mean(&evidence.train[epochs - 2 * part..epochs - part]);
    let (last, _) = mean(&evidence.train[epochs - part..]);
    let text = format!(
        "training accuracy went from {} to {} in {epochs} epochs",
        percent(first),
        percent(last)
    );
    let error = (FITTED * (1.0 - FITTED) / evidence.samples.max(1) as f64).sqrt();
    let unfitted = last < FITTED - error && last - first > RISE;
    let text = match unfitted {
        true if last - before > RISE => {
            format!("{text} and still rises: raise `epochs`, or train more layers")
        }
        true => {
            format!("{text} and rises no further: train more layers, or take a larger backbone")
        }
        false => return Finding::new(Code::Ef17, Status::Pass, text),
    };
    Finding::new(Code::Ef17, Status::Warning, text).of(Symptom::CannotFit)
}

/// A smaller backbone that was tried on the same samples.
#[derive(Debug, Clone)]
pub struct Smaller {
    /// Its name.
    pub name: String,
    /// Its validation accuracy.
    pub val: Proportion,
    /// Its multiply-accumulates over those of the backbone in use.
    pub relative_macs: f64,
}

/// Warns where a smaller backbone is no worse on validation than the one in use.
pub fn check_smaller(val: Proportion, smaller: &[Smaller]) -> Finding {
    let as_good = |other: &&Smaller| other.val.share >= val.share;
    let least = |a: &&Smaller, b: &&Smaller| a.relative_macs.total_cmp(&b.relative_macs);
    match smaller.iter().filter(as_good).min_by(least) {
        Some(other) => {
            let text = format!(
                "'{}' reaches {} on validation with {} of the MACs, and this backbone {}",
                other.name,
                percent(other.val.share),
                percent(other.relative_macs),
                percent(val.share)
            );
            Finding::new(Code::Ef17, Status::Warning, text)
        }
        None => {
            let text = format!("none of {} smaller backbones is as good", smaller.len());
            Finding::new(Code::Ef17, Status::Pass, text)
        }
    }
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

    #[test]
    fn a_smaller_backbone_that_is_as_good_is_named() {
        let of = |share| {
            check_smaller(
                Proportion::new(0.9, 100),
                &[Smaller {
                    name: "mobilenet_v3_small".into(),
                    val: Proportion::new(share, 100),
                    relative_macs: 0.15,
                }],
            )
        };
        assert_eq!(of(0.85).status, Status::Pass);
        let finding = of(0.91);
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.message.contains("mobilenet_v3_small"));
    }
}
