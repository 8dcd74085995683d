//! EF07: small classes must count as much as large ones.

use crate::finding::some_of;
use crate::{Code, Finding, Status, Symptom};

/// Largest over smallest class count above which weighting should be on.
pub const IMBALANCED: f64 = 3.0;
/// The same, above which it must be on.
pub const VERY_IMBALANCED: f64 = 10.0;
/// Training samples below which a class cannot be learnt.
pub const FEWEST: usize = 5;
/// Samples of a class below which it may never be predicted by chance.
pub const FEWEST_EVALUATED: usize = 5;

/// Training samples of the classes.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Name and training samples of each class.
    pub classes: Vec<(String, usize)>,
    /// Whether the loss or the sampler compensates for unequal counts.
    pub weighted: bool,
}

/// Warns of classes with few samples and of unequal counts without weighting; a class without any
/// sample and very unequal counts fail.
pub fn check_counts(counts: &Counts) -> Finding {
    let names = |wanted: &dyn Fn(usize) -> bool| {
        let classes = counts.classes.iter().filter(|(_, count)| wanted(*count));
        some_of(classes.map(|(name, _)| name.as_str()))
    };
    let empty = names(&|count| count == 0);
    if !empty.is_empty() {
        let text = format!(
            "classes without a training sample: {empty}; add images or remove their folders"
        );
        return Finding::new(Code::Ef07, Status::Failed, text);
    }
    let (imbalanced, text) = balance(counts);
    let few = names(&|count| count < FEWEST);
    if !few.is_empty() {
        let status = imbalanced.max(Status::Warning);
        let text = format!("{text}; classes with fewer than {FEWEST} training samples: {few}");
        return Finding::new(Code::Ef07, status, text);
    }
    Finding::new(Code::Ef07, imbalanced, text)
}

fn balance(counts: &Counts) -> (Status, String) {
    let smallest = counts.classes.iter().min_by_key(|(_, count)| count);
    let largest = counts.classes.iter().max_by_key(|(_, count)| count);
    let (Some((small, few)), Some((large, many))) = (smallest, largest) else {
        return (Status::Off, "no class was counted".into());
    };
    let ratio = *many as f64 / *few as f64;
    let text = format!("'{large}' has {many} training samples and '{small}' {few}");
    match ratio {
        _ if ratio <= IMBALANCED => (Status::Pass, text),
        _ if counts.weighted => (Status::Fixed, format!("{text}; the classes are weighted")),
        _ => {
            let text =
                format!("{text}, and all samples count the same; switch `class_weighting` on");
            if ratio > VERY_IMBALANCED {
                (Status::Failed, text)
            } else {
                (Status::Warning, text)
            }
        }
    }
}

/// What was predicted on the validation samples.
#[derive(Debug, Clone, Default)]
pub struct Predictions {
    /// Name, true samples and predictions of each class.
    pub classes: Vec<(String, usize, usize)>,
}

/// Warns of a class that has samples and is never predicted.
pub fn check_predictions(predictions: &Predictions) -> Finding {
    let missed = |(_, truths, predicted): &&(String, usize, usize)| {
        *truths >= FEWEST_EVALUATED && *predicted == 0
    };
    let missed = predictions.classes.iter().filter(missed);
    let names = some_of(missed.map(|(name, ..)| name.as_str()));
    if names.is_empty() {
        return Finding::new(Code::Ef07, Status::Pass, "every class is predicted");
    }
    let text = format!("never predicted on validation: {names}");
    Finding::new(Code::Ef07, Status::Warning, text).of(Symptom::NeverPredicted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[usize]) -> Counts {
        let named = counts.iter().enumerate();
        let named = named.map(|(class, &count)| (format!("c{class}"), count));
        Counts {
            classes: named.collect(),
            weighted: false,
        }
    }

    #[test]
    fn unequal_counts_are_raised_unless_weighted() {
        for (classes, weighted, status) in [
            (&[30, 10, 20][..], false, Status::Pass),
            (&[31, 10], false, Status::Warning),
            (&[101, 10], false, Status::Failed),
            (&[101, 10], true, Status::Fixed),
            (&[4, 4], true, Status::Warning),
            (&[80, 4], false, Status::Failed),
            (&[9, 0], true, Status::Failed),
            (&[], true, Status::Off),
        ] {
            let finding = check_counts(&Counts {
                weighted,
                ..counts(classes)
            });
            assert_eq!(finding.status, status, "{}", finding.message);
        }
        let finding = check_counts(&counts(&[101, 10]));
        assert!(finding.message.contains("'c0' has 101") && finding.message.contains("'c1' 10"));
    }

    #[test]
    fn a_class_that_is_never_predicted_is_raised() {
        let of = |truths, predicted| Predictions {
            classes: vec![("cat".into(), 20, 20), ("dog".into(), truths, predicted)],
        };
        assert_eq!(check_predictions(&of(10, 3)).status, Status::Pass);
        assert_eq!(check_predictions(&of(2, 0)).status, Status::Pass);
        let finding = check_predictions(&of(10, 0));
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.message.contains("dog"));
    }
}
