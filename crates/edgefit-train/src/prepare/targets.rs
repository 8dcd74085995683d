//! Targets of training, and the losses against them.
//!
//! Classes: cross-entropy of a softmax. Labels: binary cross-entropy of a sigmoid for each. Regression:
//! half of the mean squared error.

use edgefit_base::statistics::argmax;
use edgefit_burn::Value;
use edgefit_burn::burn::tensor::activation::{log_sigmoid, log_softmax};
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_graph::Task;
use edgefit_guards::Proportion;
use edgefit_guards::ef08_evaluation::Recalls;

use crate::config::recipe::Sampling;
use crate::error::{Error, Result};

#[cfg(test)]
mod tests;

/// The targets of some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// What the outputs mean.
    pub task: Task,
    /// Outputs of the model for a sample: classes, labels, or regression targets.
    pub outputs: usize,
    /// Samples × outputs, row-major: 1 for the class or the labels of a sample and 0 elsewhere, or
    /// the regression targets themselves.
    pub values: Vec<f32>,
    /// How much each sample counts in the loss.
    pub weights: Vec<f32>,
}

impl Targets {
    /// Targets of samples of the given classes; each counts as much as `class_weights` says.
    pub fn of_classes(labels: &[usize], class_weights: &[f32]) -> Self {
        let outputs = class_weights.len();
        let mut values = vec![0.0; labels.len() * outputs];
        for (row, &label) in labels.iter().enumerate() {
            values[row * outputs + label] = 1.0;
        }
        Targets {
            task: Task::Classes,
            outputs,
            values,
            weights: labels.iter().map(|&label| class_weights[label]).collect(),
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// The class of each sample.
    pub fn labels(&self) -> Vec<usize> {
        let rows = self.values.chunks(self.outputs.max(1));
        rows.map(argmax).collect()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The weighted prior: the share of each class, or for each label the shares that have it and
    /// have it not; empty for regression.
    pub fn priors(&self) -> Vec<Vec<f64>> {
        let mut mass = vec![0.0; self.outputs];
        for (row, weight) in self.values.chunks(self.outputs.max(1)).zip(&self.weights) {
            for (mass, value) in mass.iter_mut().zip(row) {
                *mass += f64::from(value * weight);
            }
        }
        let shares = mass.into_iter().map(|mass| mass / self.mass());
        match self.task {
            Task::Classes => vec![shares.collect()],
            Task::MultiLabel => shares.map(|share| vec![share, 1.0 - share]).collect(),
            Task::Regression => Vec::new(),
        }
    }

    /// The same, with every sample counting the same.
    pub fn unweighted(self) -> Self {
        Targets {
            weights: vec![1.0; self.weights.len()],
            ..self
        }
    }

    /// The same as the steps of an epoch see them: where `sampling` draws every class equally often,
    /// each sample counts as often as it is drawn.
    pub fn as_sampled(mut self, sampling: Sampling) -> Self {
        if sampling == Sampling::Balanced && self.task == Task::Classes {
            let labels = self.labels();
            let drawn = class_weights(&labels, self.outputs);
            for (weight, label) in self.weights.iter_mut().zip(labels) {
                *weight *= drawn[label];
            }
        }
        self
    }

    /// Share of each class that `outputs` (samples × outputs, row-major) recognise, of those that have
    /// samples; the accuracy for samples with several labels, nothing for regression.
    pub fn recalls(&self, outputs: &[f32]) -> Recalls {
        if self.task != Task::Classes {
            let share = self.accuracy(outputs);
            let share = share.map(|share| Proportion::new(share, self.len()));
            return Recalls(share.into_iter().collect());
        }
        let mut right = vec![0; self.outputs];
        let mut all = vec![0; self.outputs];
        for (label, row) in self.labels().into_iter().zip(outputs.chunks(self.outputs)) {
            all[label] += 1;
            right[label] += u32::from(argmax(row) == label);
        }
        let classes = right.into_iter().zip(all).filter(|(_, all)| *all > 0);
        let recall = |(right, all)| Proportion::new(f64::from(right) / all as f64, all);
        Recalls(classes.map(recall).collect())
    }

    /// The targets of some samples, in the given order.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let row = |&row: &usize| &self.values[row * self.outputs..(row + 1) * self.outputs];
        Targets {
            task: self.task,
            outputs: self.outputs,
            values: rows.iter().map(row).collect::<Vec<_>>().concat(),
            weights: rows.iter().map(|&row| self.weights[row]).collect(),
        }
    }

    /// The same with a share of every label spread over all classes (Szegedy et al. 2016,
    /// section 7); regression targets stay as they are.
    pub fn smoothed(mut self, share: f32) -> Self {
        let even = match self.task {
            Task::Classes => 1.0 / self.outputs as f32,
            Task::MultiLabel => 0.5,
            Task::Regression => return self,
        };
        for value in &mut self.values {
            *value = (1.0 - share) * *value + share * even;
        }
        self
    }

    /// The same with a `share` of what a teacher answers, whose `outputs` (samples × outputs, row-major) are
    /// logits, or of regression standard scores. As each loss is linear in its targets but for a constant,
    /// that is training on both losses in these shares (Hinton et al. 2015, arXiv 1503.02531, section 2).
    pub fn taught(mut self, outputs: &[f32], share: f32) -> Self {
        let rows = self.values.chunks_mut(self.outputs.max(1));
        for (own, logits) in rows.zip(outputs.chunks(self.outputs.max(1))) {
            for (own, answer) in own.iter_mut().zip(answers(self.task, logits)) {
                *own = (1.0 - share) * *own + share * answer;
            }
        }
        self
    }

    /// Each sample mixed with the one that `partners` names: `share` of itself, the rest of the other, each counting
    /// as much as it does alone. Where the loss is linear in its targets, it is `share` of the weighted loss
    /// against the one and the rest of that against the other.
    pub fn mixed(&self, partners: &[usize], share: f32) -> Self {
        let other = self.rows(partners);
        let mut mixed = Targets {
            values: Vec::with_capacity(self.values.len()),
            weights: Vec::with_capacity(self.weights.len()),
            ..*self
        };
        for (row, (a, b)) in self.weights.iter().zip(&other.weights).enumerate() {
            let (own, rest) = (share * a, (1.0 - share) * b);
            let weight = own + rest;
            let own = if weight > 0.0 { own / weight } else { share };
            let row = row * self.outputs..(row + 1) * self.outputs;
            let pairs = self.values[row.clone()].iter().zip(&other.values[row]);
            let values = pairs.map(|(a, b)| own * a + (1.0 - own) * b);
            mixed.values.extend(values);
            mixed.weights.push(weight);
        }
        mixed
    }

    /// Sum of the weights of the samples; the mean loss is the sum over them, divided by this.
    pub fn mass(&self) -> f64 {
        self.weights.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// The sum over the samples of `outputs` (samples × outputs) of their weighted loss, of shape \[1].
    ///
    /// # Errors
    /// The outputs have another shape than the targets.
    pub fn loss(&self, outputs: Tensor<2>, device: &Device) -> Result<Tensor<1>> {
        Ok(self.terms(outputs, device)?.sum())
    }

    /// The weighted loss of each sample for `outputs` (samples × outputs, row-major).
    ///
    /// # Errors
    /// There are not as many outputs as targets.
    pub fn losses(&self, outputs: &[f32]) -> Result<Vec<f32>> {
        let device = Device::flex();
        let made = Value::new(outputs.to_vec(), &[self.len(), self.outputs], &device);
        let made = made.and_then(TryInto::try_into).map_err(Error::Stopped)?;
        let each = self.terms(made, &device)?.sum_dim(1);
        Ok(Value::from(each).to_vec()?)
    }

    /// What each output of each sample (samples × outputs) adds to the weighted loss.
    fn terms(&self, outputs: Tensor<2>, device: &Device) -> Result<Tensor<2>> {
        if outputs.dims() != [self.len(), self.outputs] {
            return Err(Error::Stopped(format!(
                "the model gives outputs of shape {:?} for targets of shape {:?}",
                outputs.dims(),
                [self.len(), self.outputs]
            )));
        }
        let constant = |values: Vec<f32>, columns: usize| {
            let value = Value::new(values, &[self.len(), columns], device);
            let tensor: Result<Tensor<2>, String> = value.and_then(TryInto::try_into);
            let tensor = tensor.map_err(Error::Stopped)?;
            Ok::<_, Error>(if outputs.is_autodiff() {
                tensor.autodiff()
            } else {
                tensor
            })
        };
        let targets = constant(self.values.clone(), self.outputs)?;
        let weights = constant(self.weights.clone(), 1)?;
        let columns = self.outputs as f64;
        let each: Tensor<2> = match self.task {
            Task::Classes => -(log_softmax(outputs, 1) * targets),
            Task::MultiLabel => {
                let no = log_sigmoid(-outputs.clone());
                let yes = log_sigmoid(outputs);
                -(yes * targets.clone() + no * (-targets + 1.0)) / columns
            }
            Task::Regression => {
                let off = outputs - targets;
                off.clone() * off * 0.5 / columns
            }
        };
        Ok(each * weights)
    }

    /// Accuracy of `outputs` (samples × outputs, row-major): the share of samples whose class has the
    /// highest output, or all of whose labels have the right sign; `None` for regression.
    pub fn accuracy(&self, outputs: &[f32]) -> Option<f64> {
        let pairs = outputs
            .chunks(self.outputs.max(1))
            .zip(self.values.chunks(self.outputs.max(1)));
        let right = match self.task {
            Task::Classes => pairs
                .filter(|(made, wanted)| argmax(made) == argmax(wanted))
                .count(),
            Task::MultiLabel => pairs
                .filter(|(made, wanted)| {
                    made.iter()
                        .zip(*wanted)
                        .all(|(made, wanted)| (*made > 0.0) == (*wanted > 0.5))
                })
                .count(),
            Task::Regression => return None,
        };
        Some(right as f64 / self.len().max(1) as f64)
    }
}

/// What a model says of a sample where it gives `logits`, as targets say it.
fn answers(task: Task, logits: &[f32]) -> Vec<f32> {
    match task {
        Task::Classes => {
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shares: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
            let sum: f32 = shares.iter().sum();
            shares.iter().map(|share| share / sum).collect()
        }
        Task::MultiLabel => {
            let logits = logits.iter();
            logits.map(|logit| 1.0 / (1.0 + (-logit).exp())).collect()
        }
        Task::Regression => logits.to_vec(),
    }
}

/// Weight of each class in the loss: `samples / (classes · count)`, so that every class counts the
/// same (King & Zeng 2001, as in scikit-learn's `balanced`). Classes without samples weigh 0.
pub fn class_weights(labels: &[usize], classes: usize) -> Vec<f32> {
    let mut counts = vec![0usize; classes];
    for &label in labels {
        counts[label] += 1;
    }
    let present = counts.iter().filter(|&&count| count > 0).count();
    counts
        .iter()
        .map(|&count| match count {
            0 => 0.0,
            count => labels.len() as f32 / (present * count) as f32,
        })
        .collect()
}

/// Bias with which an untrained head predicts the class prior that the weighted loss sees (Lin et
/// al. 2017, arXiv 1708.02002, section 4.1): log of each class's share of the weight.
pub fn log_prior_bias(labels: &[usize], weights: &[f32]) -> Vec<f32> {
    let mut mass = vec![0f32; weights.len()];
    for &label in labels {
        mass[label] += weights[label];
    }
    let total: f32 = mass.iter().sum();
    // A class that training never sees gets the prior of half a sample.
    let floor = 0.5 / labels.len().max(1) as f32;
    mass.iter()
        .map(|mass| (mass / total).max(floor).ln())
        .collect()
}
