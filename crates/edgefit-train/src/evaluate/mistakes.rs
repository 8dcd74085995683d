//! What an exported model says of each sample of a split, and where it is wrong.

use edgefit_data::{Dataset, Prediction, Truth};
use edgefit_graph::Task;
use serde::Serialize;

use crate::prepare::split::SplitSamples;

/// A sample that a model gets wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// Path below the dataset's folder, or the row.
    pub sample: String,
    /// What is true of it: its class, or its labels.
    pub truth: String,
    /// What the model says.
    pub predicted: String,
    /// How sure it is: the probability of the class; of labels, the highest of one that it gives or
    /// denies wrongly.
    pub probability: f64,
    /// What of its image spoke for that, of the surest mistakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saliency: Option<Saliency>,
}

/// What a model's `outputs` (samples × outputs, row-major) say of the samples of a split.
pub(crate) fn predictions<'a>(split: &'a SplitSamples, outputs: &'a [f32]) -> Vec<Prediction<'a>> {
    let width = outputs.len() / split.samples.len().max(1);
    let rows = split.samples.iter().zip(outputs.chunks(width.max(1)));
    rows.map(|(sample, outputs)| Prediction {
        sample: &sample.relative,
        truth: Some(match sample.targets.as_slice() {
            [] => Truth::Class(sample.class),
            targets => Truth::Targets(targets),
        }),
        outputs,
    })
    .collect()
}

/// How much each part of an image spoke for the class that a model says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saliency {
    /// Parts from top to bottom.
    pub rows: usize,
    /// Parts from left to right.
    pub columns: usize,
    /// Row by row, in hundredths of the part that spoke for it most.
    pub values: Vec<u8>,
    /// What of the image the model saw: left, top, width and height, as shares of its sides.
    pub area: [f64; 4],
}

/// The predictions of classes or labels that are wrong, the surest first.
pub(crate) fn mistakes(dataset: &Dataset, predictions: &[Prediction]) -> Vec<Mistake> {
    let wrong = predictions
        .iter()
        .filter_map(|one| mistake(dataset.task, &dataset.classes, one));
    let mut wrong: Vec<Mistake> = wrong.collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    wrong
}

fn mistake(task: Task, names: &[String], one: &Prediction) -> Option<Mistake> {
    let probabilities = one.probabilities(task)?;
    let (truth, predicted) = (one.true_words(task, names)?, one.said(task, names));
    let surest = match one.truth? {
        Truth::Class(_) => probabilities.into_iter().fold(0.0, f64::max),
        Truth::Targets(targets) => {
            let pairs = probabilities.into_iter().zip(targets);
            pairs
                .filter(|(p, target)| (*p > 0.5) != (**target > 0.5))
                .map(|(p, _)| p.max(1.0 - p))
                .fold(0.0, f64::max)
        }
    };
    (truth != predicted).then(|| Mistake {
        sample: one.sample.to_owned(),
        truth,
        predicted,
        probability: surest,
        saliency: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<'a>(sample: &'a str, truth: Truth<'a>, outputs: &'a [f32]) -> Prediction<'a> {
        Prediction {
            sample,
            truth: Some(truth),
            outputs,
        }
    }

    fn dataset(task: Task) -> Dataset {
        Dataset {
            root: "data".into(),
            task,
            classes: vec!["cat".into(), "dog".into()],
            dims: None,
            samples: Vec::new(),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn the_surest_mistake_comes_first() {
        let all = [
            one("right", Truth::Class(1), &[0.2, 0.8]),
            one("a little", Truth::Class(0), &[0.4, 0.6]),
            one("very", Truth::Class(1), &[0.9, 0.1]),
        ];
        let found = mistakes(&dataset(Task::Classes), &all);
        let told: Vec<_> = found
            .iter()
            .map(|of| (of.sample.as_str(), of.truth.as_str(), of.predicted.as_str()))
            .collect();
        assert_eq!(told, [("very", "dog", "cat"), ("a little", "cat", "dog")]);
        assert!((found[0].probability - 0.9).abs() < 1e-6);
    }

    #[test]
    fn of_labels_the_wrong_ones_count_and_numbers_are_never_wrong() {
        let all = [
            one("right", Truth::Targets(&[1.0, 0.0]), &[0.9, 0.1]),
            one("wrong", Truth::Targets(&[1.0, 0.0]), &[0.99, 0.7]),
        ];
        let found = mistakes(&dataset(Task::MultiLabel), &all);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&*found[0].truth, &*found[0].predicted),
            ("cat", "cat; dog")
        );
        assert!((found[0].probability - 0.7).abs() < 1e-6);
        assert!(mistakes(&dataset(Task::Regression), &all).is_empty());
    }
}
