//! EF11: regularisation must keep the network from memorising the images, but not from learning.

use crate::finding::percent;
use crate::{Code, Finding, Proportion, Status, Symptom};

/// Training minus validation accuracy from which on regularisation is missing.
pub const GAP: f64 = 0.15;
/// Weight decay from which on it can keep the loss from falling: AdamW keeps |weight| below its
/// inverse (Xie & Li 2024, arXiv 2404.04454).
pub const STRONG_DECAY: f64 = 1.0;
/// Share of the first loss by which it falls at least when it can.
pub const FALL: f64 = 0.1;

/// What regularises the network, and how training went.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of units that dropout drops.
    pub dropout: f64,
    /// Whether training images are augmented.
    pub augmentation: bool,
    /// Accuracy on the training samples at the end, in eval mode.
    pub train: Proportion,
    /// Accuracy on the validation samples at the end.
    pub val: Proportion,
    /// Training loss of the first epoch.
    pub first_loss: f64,
    /// Training loss of the last epoch.
    pub last_loss: f64,
}

/// Warns where all regularisation is off while training accuracy is above validation accuracy by more
/// than the noise, and where the decay is strong and the loss does not fall.
pub fn check(evidence: &Evidence) -> Finding {
    let on = [
        ("weight decay", evidence.weight_decay > 0.0),
        ("label smoothing", evidence.label_smoothing > 0.0),
        ("dropout", evidence.dropout > 0.0),
        ("augmentation", evidence.augmentation),
    ];
    let on: Vec<&str> = on
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name)
        .collect();
    let Evidence { train, val, .. } = evidence;
    let gap = train.share - val.share;
    let has_gap = gap > GAP && gap > train.error_of_difference(*val);
    let fell = 1.0 - evidence.last_loss / evidence.first_loss;
    let (status, text) = if on.is_empty() && has_gap {
        let text = format!(
            "weight decay, label smoothing, dropout and augmentation are all off, and accuracy is \
            {} in training and {} in validation",
            percent(train.share),
            percent(val.share)
        );
        return Finding::new(Code::Ef11, Status::Warning, text).of(Symptom::Unregularised);
    } else if on.is_empty() {
        let text = "no regularisation is on, and none is needed";
        (Status::Pass, text.into())
    } else if evidence.weight_decay >= STRONG_DECAY && fell < FALL {
        let text = format!(
            "weight decay {} holds the weights near zero: the loss went from {:.3} only to {:.3}",
            evidence.weight_decay, evidence.first_loss, evidence.last_loss
        );
        (Status::Warning, text)
    } else {
        (Status::Pass, format!("on: {}", on.join(", ")))
    };
    Finding::new(Code::Ef11, status, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(weight_decay: f64, val: f64, last_loss: f64) -> Evidence {
        Evidence {
            weight_decay,
            label_smoothing: 0.0,
            dropout: 0.0,
            augmentation: false,
            train: Proportion::new(1.0, 300),
            val: Proportion::new(val, 60),
            first_loss: 2.0,
            last_loss,
        }
    }

    #[test]
    fn only_a_strong_decay_is_why_a_loss_does_not_fall() {
        let missing = check(&evidence(0.0, 0.7, 0.01));
        let strong = check(&evidence(10.0, 0.3, 1.95));
        for symptom in [Symptom::FlatLoss, Symptom::CannotFit] {
            assert!(!missing.can_explain(symptom) && strong.can_explain(symptom));
        }
        assert!(missing.can_explain(Symptom::Gap));
    }

    #[test]
    fn nothing_on_and_a_gap_is_raised() {
        assert_eq!(check(&evidence(0.0, 0.7, 0.01)).status, Status::Warning);
        assert_eq!(check(&evidence(0.0, 0.95, 0.01)).status, Status::Pass);
        assert_eq!(check(&evidence(0.01, 0.7, 0.01)).status, Status::Pass);
    }

    #[test]
    fn a_decay_that_keeps_the_loss_up_is_raised() {
        assert_eq!(check(&evidence(10.0, 0.3, 1.95)).status, Status::Warning);
        assert_eq!(check(&evidence(10.0, 0.9, 0.4)).status, Status::Pass);
        assert_eq!(check(&evidence(0.01, 0.3, 1.95)).status, Status::Pass);
    }
}
