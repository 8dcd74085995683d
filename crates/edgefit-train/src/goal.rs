//! What a model is to say of a sample, as it is fitted to the training samples.

use edgefit_data::fit_scaler;
use edgefit_graph::rewrite::{CutSoftmax, end_in_scale, end_in_sigmoid};
use edgefit_graph::{Graph, StandardScaler, Task};

use crate::metrics::{Classification, Metrics, MultiLabel, Regression};
use crate::parts::PartSamples;
use crate::recipe::{ClassWeighting, HeadBias, Recipe};
use crate::task::{Targets, class_weights, log_prior_bias};

/// The task with what the training samples say of its answers.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    /// Logits of classes; each class weighs something in the loss.
    Classes { weights: Vec<f32>, bias: Vec<f32> },
    /// Logits of labels.
    Labels { bias: Vec<f32> },
    /// Numbers, standardised for the loss.
    Numbers(StandardScaler),
}

impl Goal {
    /// Of answers of which nothing is known yet.
    pub fn unknown(task: Task, outputs: usize) -> Self {
        match task {
            Task::Classes => Goal::Classes {
                weights: vec![1.0; outputs],
                bias: vec![0.0; outputs],
            },
            Task::MultiLabel => Goal::Labels {
                bias: vec![0.0; outputs],
            },
            Task::Regression => Goal::Numbers(StandardScaler {
                dims: vec![outputs],
                mean: vec![0.0; outputs],
                std: vec![1.0; outputs],
            }),
        }
    }

    /// Of `outputs` answers as the training samples have them.
    pub fn fit(task: Task, outputs: usize, training: &PartSamples, recipe: &Recipe) -> Self {
        let prior = recipe.head_bias == HeadBias::LogPrior;
        match task {
            Task::Classes => {
                let labels = training.labels();
                let weights = match recipe.class_weighting {
                    ClassWeighting::Balanced => class_weights(&labels, outputs),
                    ClassWeighting::None => vec![1.0; outputs],
                };
                let bias = match prior {
                    true => log_prior_bias(&labels, &weights),
                    false => vec![0.0; outputs],
                };
                Goal::Classes { weights, bias }
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
                Goal::Labels {
                    bias: match prior {
                        true => (0..outputs).map(odds).collect(),
                        false => vec![0.0; outputs],
                    },
                }
            }
            Task::Regression => {
                let rows = training.samples.iter();
                let rows = rows.map(|sample| sample.targets.as_slice());
                match fit_scaler(rows, &[outputs]) {
                    Some(scaler) => Goal::Numbers(scaler),
                    None => Goal::unknown(task, outputs),
                }
            }
        }
    }

    /// The bias that an untrained head starts from.
    pub fn bias(&self) -> Vec<f32> {
        match self {
            Goal::Classes { bias, .. } | Goal::Labels { bias } => bias.clone(),
            Goal::Numbers(scaler) => vec![0.0; scaler.mean.len()],
        }
    }

    /// What the loss wants of the samples of a part.
    pub fn targets(&self, part: &PartSamples) -> Targets {
        let even = || vec![1.0; part.samples.len()];
        match self {
            Goal::Classes { weights, .. } => Targets::of_classes(&part.labels(), weights),
            Goal::Labels { bias } => Targets {
                task: Task::MultiLabel,
                outputs: bias.len(),
                values: part.targets(),
                weights: even(),
            },
            Goal::Numbers(scaler) => {
                let mut values = part.targets();
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

    /// What the exported model says where the trained head says `outputs`.
    pub fn answers(&self, mut outputs: Vec<f32>) -> Vec<f32> {
        match self {
            Goal::Classes { .. } => {}
            Goal::Labels { .. } => {
                for output in &mut outputs {
                    *output = 1.0 / (1.0 + (-*output).exp());
                }
            }
            Goal::Numbers(scaler) => {
                let places = scaler.std.iter().zip(&scaler.mean).cycle();
                for (output, (std, mean)) in outputs.iter_mut().zip(places) {
                    *output = *output * std + mean;
                }
            }
        }
        outputs
    }

    /// Lets a model that ends in what the loss wants end in answers; `cut` is what the original ended in.
    pub fn finish(&self, graph: &mut Graph, cut: Option<&CutSoftmax>) {
        match self {
            Goal::Classes { .. } => {
                if let Some(cut) = cut {
                    cut.clone().restore(graph);
                }
                Task::Classes.store(graph);
            }
            Goal::Labels { .. } => {
                end_in_sigmoid(graph);
                Task::MultiLabel.store(graph);
            }
            Goal::Numbers(scaler) => {
                end_in_scale(graph, &scaler.std, &scaler.mean);
                Task::Regression.store(graph);
            }
        }
    }

    /// Figures of a model's `answers` about the samples of a part.
    pub fn metrics(&self, answers: &[f32], part: &PartSamples) -> Metrics {
        match self {
            Goal::Classes { weights, .. } => {
                Metrics::Classification(Classification::of(answers, &part.labels(), weights.len()))
            }
            Goal::Labels { bias } => {
                Metrics::MultiLabel(MultiLabel::of(answers, &part.targets(), bias.len()))
            }
            Goal::Numbers(scaler) => {
                let numbers = scaler.mean.len();
                Metrics::Regression(Regression::of(answers, &part.targets(), numbers))
            }
        }
    }
}
