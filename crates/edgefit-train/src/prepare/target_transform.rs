//! From the labels of a dataset to the targets of the loss, and from outputs to predictions.

use edgefit_data::fit_scaler;
use edgefit_graph::rewrite::{CutSoftmax, end_in_scale, end_in_sigmoid};
use edgefit_graph::{Graph, StandardScaler, Task};

use crate::config::recipe::{ClassWeighting, HeadBias, Recipe};
use crate::prepare::split::SplitSamples;
use crate::prepare::targets::{Targets, class_weights, log_prior_bias};

/// The task, with what the training samples say of its targets.
#[derive(Debug, Clone)]
pub(crate) enum TargetTransform {
    /// Logits of classes; each class has a weight in the loss.
    Classes { weights: Vec<f32>, bias: Vec<f32> },
    /// Logits of labels.
    MultiLabel { bias: Vec<f32> },
    /// Regression targets, standardised to mean 0 and standard deviation 1.
    Regression(StandardScaler),
}

impl TargetTransform {
    /// Without any samples: equal weights, no bias, targets as they are.
    pub fn identity(task: Task, outputs: usize) -> Self {
        match task {
            Task::Classes => TargetTransform::Classes {
                weights: vec![1.0; outputs],
                bias: vec![0.0; outputs],
            },
            Task::MultiLabel => TargetTransform::MultiLabel {
                bias: vec![0.0; outputs],
            },
            Task::Regression => TargetTransform::Regression(StandardScaler {
                dims: vec![outputs],
                mean: vec![0.0; outputs],
                std: vec![1.0; outputs],
            }),
        }
    }

    /// Fitted to the training samples.
    pub fn fit(task: Task, outputs: usize, training: &SplitSamples, recipe: &Recipe) -> Self {
        let prior = recipe.head_bias == HeadBias::LogPrior;
        match task {
            Task::Classes => {
                let labels = training.labels();
                let weights = match recipe.class_weighting {
                    ClassWeighting::Balanced => class_weights(&labels, outputs),
                    ClassWeighting::None => vec![1.0; outputs],
                };
                let bias = if prior {
                    log_prior_bias(&labels, &weights)
                } else {
                    vec![0.0; outputs]
                };
                TargetTransform::Classes { weights, bias }
            }
            Task::MultiLabel => {
                let rows = training.samples.len().max(1) as f32;
                // A label that all samples have, or none, gets the odds of half a sample.
                let odds = |label: usize| {
                    let samples = training.samples.iter();
                    let having: f32 = samples.map(|sample| sample.targets[label]).sum();
                    let share = (having / rows).clamp(0.5 / rows, 1.0 - 0.5 / rows);
                    (share / (1.0 - share)).ln()
                };
                TargetTransform::MultiLabel {
                    bias: if prior {
                        (0..outputs).map(odds).collect()
                    } else {
                        vec![0.0; outputs]
                    },
                }
            }
            Task::Regression => {
                let rows = training.samples.iter();
                let rows = rows.map(|sample| sample.targets.as_slice());
                match fit_scaler(rows, &[outputs]) {
                    Some(scaler) => TargetTransform::Regression(scaler),
                    None => TargetTransform::identity(task, outputs),
                }
            }
        }
    }

    /// The bias that an untrained head starts from.
    pub fn initial_bias(&self) -> Vec<f32> {
        match self {
            TargetTransform::Classes { bias, .. } | TargetTransform::MultiLabel { bias } => {
                bias.clone()
            }
            TargetTransform::Regression(scaler) => vec![0.0; scaler.mean.len()],
        }
    }

    /// The targets of the samples of a split, as the loss takes them.
    pub fn targets(&self, split: &SplitSamples) -> Targets {
        let even = || vec![1.0; split.samples.len()];
        match self {
            TargetTransform::Classes { weights, .. } => {
                Targets::of_classes(&split.labels(), weights)
            }
            TargetTransform::MultiLabel { bias } => Targets {
                task: Task::MultiLabel,
                outputs: bias.len(),
                values: split.targets(),
                weights: even(),
            },
            TargetTransform::Regression(scaler) => {
                let mut values = split.targets();
                scaler.apply(&mut values);
                Targets {
                    task: Task::Regression,
                    outputs: scaler.mean.len(),
                    values,
                    weights: even(),
                }
            }
        }
    }

    /// What the exported model predicts where the trained head gives `outputs`.
    pub fn predictions(&self, mut outputs: Vec<f32>) -> Vec<f32> {
        match self {
            TargetTransform::Classes { .. } => {}
            TargetTransform::MultiLabel { .. } => {
                for output in &mut outputs {
                    *output = 1.0 / (1.0 + (-*output).exp());
                }
            }
            TargetTransform::Regression(scaler) => {
                let places = scaler.std.iter().zip(&scaler.mean).cycle();
                for (output, (std, mean)) in outputs.iter_mut().zip(places) {
                    *output = *output * std + mean;
                }
            }
        }
        outputs
    }

    /// Lets a model that ends in what the loss takes end in predictions; `cut` is the softmax that the
    /// original ended in.
    pub fn end_in_predictions(&self, graph: &mut Graph, cut: Option<&CutSoftmax>) {
        match self {
            TargetTransform::Classes { .. } => {
                if let Some(cut) = cut {
                    cut.clone().restore(graph);
                }
                Task::Classes.store(graph);
            }
            TargetTransform::MultiLabel { .. } => {
                end_in_sigmoid(graph);
                Task::MultiLabel.store(graph);
            }
            TargetTransform::Regression(scaler) => {
                end_in_scale(graph, &scaler.std, &scaler.mean);
                Task::Regression.store(graph);
            }
        }
    }
}
