//! EF15: few images need augmentation, of a kind that keeps what they show.

use crate::statistics::mean_and_error;
use crate::{Code, Finding, Status, Symptom};

/// Training samples below which augmentation should be on.
pub const FEW_SAMPLES: usize = 1000;

/// How much there is to train on.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// Training samples.
    pub samples: usize,
    /// Whether they are augmented.
    pub augmented: bool,
}

/// Warns where augmentation is off on few training samples.
pub fn check_amount(amount: Amount) -> Finding {
    let Amount { samples, augmented } = amount;
    let (status, text) = if augmented {
        (Status::Pass, "augmentation is on")
    } else if samples < FEW_SAMPLES {
        let text = "augmentation is off; switch `augmentation` on";
        (Status::Warning, text)
    } else {
        (Status::Pass, "augmentation is off")
    };
    let text = format!("{text}, {samples} training samples");
    Finding::new(Code::Ef15, status, text)
}

/// Cosine similarities of features of the backbone.
#[derive(Debug, Clone, Default)]
pub struct Similarities {
    /// Of an augmented image and the same image unchanged, one for each image.
    pub to_itself: Vec<f64>,
    /// Of two unchanged images of different classes, one for each pair.
    pub to_other_classes: Vec<f64>,
}

/// Warns where augmented images are less similar to their originals than images of different classes
/// are to each other, beyond one standard error.
pub fn check_kind(similarities: &Similarities) -> Finding {
    let (itself, own_error) = mean_and_error(&similarities.to_itself);
    let (others, others_error) = mean_and_error(&similarities.to_other_classes);
    if similarities.to_itself.len() < 2 || similarities.to_other_classes.len() < 2 {
        return Finding::new(
            Code::Ef15,
            Status::Off,
            "too few images to compare features",
        );
    }
    let text = format!(
        "features of augmented images have a similarity of {itself:.3} to their originals, those of \
        different classes {others:.3}"
    );
    if others - itself > own_error.hypot(others_error) {
        let text = format!("{text}: it changes what they show; weaken `augmentation`");
        return Finding::new(Code::Ef15, Status::Warning, text).of(Symptom::UnlikeItself);
    }
    Finding::new(Code::Ef15, Status::Pass, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_without_augmentation_are_raised() {
        let status = |samples, augmented| check_amount(Amount { samples, augmented }).status;
        assert_eq!(status(300, false), Status::Warning);
        assert_eq!(status(300, true), Status::Pass);
        assert_eq!(status(5000, false), Status::Pass);
    }

    #[test]
    fn augmentation_that_destroys_is_raised() {
        let around = |middle: f64| vec![middle - 0.1, middle, middle + 0.1, middle];
        let of = |itself, others| {
            check_kind(&Similarities {
                to_itself: around(itself),
                to_other_classes: around(others),
            })
        };
        assert_eq!(of(0.8, 0.4).status, Status::Pass);
        assert_eq!(of(0.3, 0.5).status, Status::Warning);
        assert_eq!(of(0.49, 0.5).status, Status::Pass);
        assert_eq!(check_kind(&Similarities::default()).status, Status::Off);
    }
}
