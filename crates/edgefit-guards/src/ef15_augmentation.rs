//! EF15: few images need variety, of a kind that leaves them what they are.

use crate::statistics::mean;
use crate::{Code, Finding, Status, Symptom};

/// Training samples below which augmentation should be on.
pub const FEW_SAMPLES: usize = 1000;

/// Warns where augmentation is off on few training samples.
pub fn check_amount(samples: usize, augmentation: bool) -> Finding {
    let (status, text) = match (augmentation, samples < FEW_SAMPLES) {
        (true, _) => (Status::Pass, "augmentation is on"),
        (false, false) => (Status::Pass, "augmentation is off"),
        (false, true) => (
            Status::Warning,
            "augmentation is off; switch `augmentation` on",
        ),
    };
    Finding::new(
        Code::Ef15,
        status,
        format!("{text}, {samples} training samples"),
    )
}

/// Cosine similarities of features of the backbone.
#[derive(Debug, Clone, Default)]
pub struct Similarities {
    /// Of an augmented image and the same image unchanged, one for each image.
    pub to_itself: Vec<f64>,
    /// Of two unchanged images of different classes, one for each pair.
    pub to_other_classes: Vec<f64>,
}

/// Warns where augmented images are less like themselves than images of different classes are like
/// each other, beyond one standard error.
pub fn check_kind(similarities: &Similarities) -> Finding {
    let (itself, own_error) = mean(&similarities.to_itself);
    let (others, others_error) = mean(&similarities.to_other_classes);
    if similarities.to_itself.len() < 2 || similarities.to_other_classes.len() < 2 {
        return Finding::new(
            Code::Ef15,
            Status::Off,
            "too few images to compare features",
        );
    }
    let text = format!(
        "features of an augmented image are {itself:.3} similar to its own, those of \
        different classes {others:.3}"
    );
    match others - itself > own_error.hypot(others_error) {
        true => {
            let text = format!(
                "{text}: augmentation makes other images of them; weaken \
                `augmentation`"
            );
            Finding::new(Code::Ef15, Status::Warning, text).of(Symptom::UnlikeItself)
        }
        false => Finding::new(Code::Ef15, Status::Pass, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_without_augmentation_are_raised() {
        assert_eq!(check_amount(300, false).status, Status::Warning);
        assert_eq!(check_amount(300, true).status, Status::Pass);
        assert_eq!(check_amount(5000, false).status, Status::Pass);
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
