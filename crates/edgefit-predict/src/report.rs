//! What a model made of samples, in words and probabilities.

use std::path::PathBuf;

use edgefit_data::Prediction;
use edgefit_engine::{EngineName, Execution};
use edgefit_graph::Task;
use serde::Serialize;

use crate::predicted::Predicted;
use crate::samples::LeftOut;

/// Most classes that are listed of a sample.
const TOP: usize = 3;

/// What a model says of all samples.
#[derive(Debug, Serialize)]
pub struct Predictions {
    /// The model's file.
    pub model: PathBuf,
    /// What ran it.
    pub engine: EngineName,
    /// How that computed its nodes.
    pub execution: Execution,
    /// What its outputs mean.
    pub task: Task,
    /// How many samples whose class is known get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// One for each sample.
    pub predictions: Vec<SamplePrediction>,
    /// Images of folders that cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// How many samples whose class is known get it.
#[derive(Debug, Serialize)]
pub struct Accuracy {
    /// Those that do.
    pub correct: usize,
    /// Those whose class is known.
    pub samples: usize,
    /// The one as a share of the other.
    pub accuracy: f64,
}

/// What a model says of one sample.
#[derive(Debug, Serialize)]
pub struct SamplePrediction {
    /// Its path or row.
    pub file: String,
    /// The class, the labels, or the numbers.
    pub label: String,
    /// Probability of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What is true of it, where its place says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// The model's outputs, as they are.
    pub outputs: Vec<f32>,
    /// The likeliest classes or labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<Likely>,
}

/// A class or a label with its probability.
#[derive(Debug, Serialize)]
pub struct Likely {
    /// Its name.
    pub label: String,
    /// Its probability.
    pub probability: f64,
}

impl Predictions {
    /// What `predicted` says.
    pub fn of(predicted: &Predicted) -> Self {
        let predictions = predicted.predictions();
        Predictions {
            model: predicted.model.clone(),
            engine: predicted.engine,
            execution: predicted.execution,
            task: predicted.task,
            accuracy: accuracy(predicted),
            predictions: predictions
                .map(|one| SamplePrediction::of(&one, predicted))
                .collect(),
            left_out: predicted.left_out.clone(),
        }
    }
}

impl SamplePrediction {
    fn of(prediction: &Prediction, all: &Predicted) -> Self {
        let Predicted { task, names, .. } = all;
        let probabilities = prediction.probabilities(*task).unwrap_or_default();
        let mut top: Vec<Likely> = names
            .iter()
            .zip(&probabilities)
            .map(|(label, &probability)| Likely {
                label: label.clone(),
                probability,
            })
            .collect();
        top.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        top.truncate(TOP);
        SamplePrediction {
            file: prediction.sample.to_owned(),
            label: prediction.said(*task, names),
            probability: match task {
                Task::Classes => top.first().map(|first| first.probability),
                Task::MultiLabel | Task::Regression => None,
            },
            truth: prediction.true_words(*task, names),
            outputs: prediction.outputs.to_vec(),
            top,
        }
    }
}

/// Of the samples whose class is known, and one of several outputs.
fn accuracy(predicted: &Predicted) -> Option<Accuracy> {
    if predicted.task != Task::Classes {
        return None;
    }
    let right = |one: Prediction| one.is_right(predicted.task, &predicted.names);
    let judged: Vec<bool> = predicted.predictions().filter_map(right).collect();
    let correct = judged.iter().filter(|right| **right).count();
    (!judged.is_empty()).then(|| Accuracy {
        correct,
        samples: judged.len(),
        accuracy: correct as f64 / judged.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;

    #[test]
    fn samples_whose_class_is_known_are_judged() {
        let sample = |name: &str, class| Sample {
            name: name.into(),
            class,
        };
        let mut predicted = Predicted {
            model: "model.onnx".into(),
            engine: EngineName::Tract,
            execution: Execution::Fused,
            task: Task::Classes,
            names: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            samples: vec![
                sample("right", Some(1)),
                sample("wrong", Some(0)),
                sample("unknown", None),
                sample("beyond", Some(4)),
            ],
            outputs: vec![vec![0.1, 0.5, 0.3, 0.1]; 4],
            left_out: Vec::new(),
        };
        let found = Predictions::of(&predicted);
        let accuracy = found.accuracy.unwrap();
        assert_eq!((accuracy.correct, accuracy.samples), (1, 2));
        let [right, wrong, unknown, _] = found.predictions.as_slice() else {
            panic!("four samples")
        };
        assert_eq!(right.label, "b");
        assert_eq!(wrong.truth.as_deref(), Some("a"));
        assert_eq!(unknown.truth, None);
        let top: Vec<&str> = right.top.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(top, ["b", "c", "a"], "the three likeliest");
        assert_eq!(right.probability, Some(right.top[0].probability));

        // A single number is no choice between classes.
        predicted.outputs = vec![vec![0.5]; 4];
        assert!(Predictions::of(&predicted).accuracy.is_none());

        predicted.task = Task::Regression;
        let found = Predictions::of(&predicted);
        assert!(found.accuracy.is_none());
        assert!(found.predictions[0].top.is_empty());
    }
}
