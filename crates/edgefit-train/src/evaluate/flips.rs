//! Samples of which a quantised model says something else than the float one.

use edgefit_data::{Dataset, LABEL_THRESHOLD, Prediction};
use edgefit_graph::Task;
use serde::Serialize;

/// A sample of which a quantised model says something else than the float one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// Path below the dataset's folder, or the row.
    pub sample: String,
    /// What is true of it: its class, or its labels.
    pub truth: String,
    /// What the float model says.
    pub float: Answer,
    /// What the quantised model says.
    pub quantized: Answer,
}

/// What a model says of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The class, or the labels.
    pub predicted: String,
    /// How sure it is: the probability of the class; of labels, the highest of one that the models answer
    /// differently.
    pub probability: f64,
}

/// The predictions of classes or labels, sample by sample of both models, that differ: those that the float model
/// was surest of first.
pub(crate) fn flips(
    dataset: &Dataset,
    float: &[Prediction],
    quantized: &[Prediction],
) -> Vec<Flip> {
    let pairs = float.iter().zip(quantized);
    let mut found: Vec<Flip> = pairs
        .filter_map(|(float, quantized)| flip(dataset, float, quantized))
        .collect();
    found.sort_by(|a, b| b.float.probability.total_cmp(&a.float.probability));
    found
}

fn flip(dataset: &Dataset, float: &Prediction, quantized: &Prediction) -> Option<Flip> {
    let both = [float, quantized];
    let [said, other] = both.map(|one| one.said(dataset.task, &dataset.classes));
    let [a, b] = both.map(|one| one.probabilities(dataset.task));
    let (a, b) = (a?, b?);
    if said == other {
        return None;
    }
    let sure = match dataset.task {
        Task::MultiLabel => {
            let is_given = |p: f64| p > f64::from(LABEL_THRESHOLD);
            let differ = a
                .iter()
                .zip(&b)
                .filter(|(a, b)| is_given(**a) != is_given(**b));
            differ.fold([0.0; 2], |[most, other], (a, b)| {
                [
                    f64::max(most, a.max(1.0 - a)),
                    f64::max(other, b.max(1.0 - b)),
                ]
            })
        }
        _ => [a, b].map(|all| all.into_iter().fold(0.0, f64::max)),
    };
    Some(Flip {
        sample: float.sample.to_owned(),
        truth: float.true_words(dataset.task, &dataset.classes)?,
        float: Answer {
            predicted: said,
            probability: sure[0],
        },
        quantized: Answer {
            predicted: other,
            probability: sure[1],
        },
    })
}

#[cfg(test)]
mod tests {
    use edgefit_data::Truth;

    use super::*;

    fn found(task: Task, truth: Truth, pairs: &[[&[f32]; 2]]) -> Vec<Flip> {
        let dataset = Dataset {
            root: "data".into(),
            task,
            classes: vec!["cat".into(), "dog".into()],
            dims: None,
            samples: Vec::new(),
            remarks: Vec::new(),
        };
        let [float, quantized] = [0, 1].map(|model| {
            let each = pairs.iter().map(|pair| Prediction {
                sample: "a",
                truth: Some(truth),
                outputs: pair[model],
            });
            each.collect::<Vec<_>>()
        });
        flips(&dataset, &float, &quantized)
    }

    #[test]
    fn what_was_sure_and_is_something_else_comes_first() {
        let pairs: [[&[f32]; 2]; 3] = [
            [&[0.6, 0.4], &[0.45, 0.55]],
            [&[0.9, 0.1], &[0.6, 0.4]],
            [&[0.2, 0.8], &[0.7, 0.3]],
        ];
        let flips = found(Task::Classes, Truth::Class(1), &pairs);
        let told: Vec<_> = flips
            .iter()
            .map(|one| {
                (
                    &*one.truth,
                    &*one.float.predicted,
                    &*one.quantized.predicted,
                )
            })
            .collect();
        assert_eq!(told, [("dog", "dog", "cat"), ("dog", "cat", "dog")]);
        assert!((flips[0].float.probability - 0.8).abs() < 1e-6);
        assert!((flips[0].quantized.probability - 0.7).abs() < 1e-6);
    }

    #[test]
    fn of_labels_those_that_differ_count_and_numbers_never_flip() {
        let pairs: [[&[f32]; 2]; 1] = [[&[0.99, 0.6], &[0.98, 0.3]]];
        let flips = found(Task::MultiLabel, Truth::Targets(&[1.0, 0.0]), &pairs);
        assert_eq!(flips[0].float.predicted, "cat; dog");
        assert!((flips[0].float.probability - 0.6).abs() < 1e-6);
        assert!((flips[0].quantized.probability - 0.7).abs() < 1e-6);
        assert!(found(Task::Regression, Truth::Targets(&[1.0, 0.0]), &pairs).is_empty());
    }
}
