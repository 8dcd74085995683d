//! What the guards want to know of the steps of a stage.

use edgefit_burn::{GradientSize, Weights};
use serde::{Deserialize, Serialize};

/// What the guards want to know of the steps of a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// Mean loss of each step.
    pub losses: Vec<f64>,
    /// Learning rate of each step.
    pub rates: Vec<f64>,
    /// Share of the training samples that was right after each epoch, in eval mode and clean.
    pub train_accuracy: Vec<f64>,
    /// Steps that were no number, and whether they could be taken back.
    pub broken: Vec<(usize, bool)>,
    /// For each trained weight of two dimensions or more, its sizes of gradient and of change.
    pub weights: Vec<Watched>,
}

/// What was seen of one trained weight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watched {
    pub name: String,
    /// Mean absolute gradient of each step.
    pub gradients: Vec<f32>,
    /// Whether it was zero at first.
    pub from_zero: bool,
    /// Norm of the change over norm of the weight, of the steps that were weighed. A weight that is
    /// smaller than layers usually start counts as large as those: beside nothing, any change is
    /// large.
    pub changes: Vec<f32>,
}

/// Norm below which a weight is zero, as that of a new head.
const ZERO: f64 = 1e-6;

/// Norm of a weight of the shape `dims` that is drawn from U(±1/√inputs), as layers usually start.
fn usual(dims: &[usize]) -> f64 {
    (dims.first().copied().unwrap_or(1) as f64 / 3.0).sqrt()
}

/// One step in so many is weighed.
const EVERY: usize = 10;

/// Steps whose gradients are remembered.
const REMEMBERED: usize = 2000;

impl Watch {
    /// Whether the weights before and after this step are wanted.
    pub fn weighs(&self, step: usize) -> bool {
        step.is_multiple_of(EVERY)
    }

    pub fn step(
        &mut self,
        loss: f64,
        rate: f64,
        sizes: &[GradientSize],
        change: Option<(&Weights, &Weights)>,
    ) {
        self.losses.push(loss);
        self.rates.push(rate);
        let sizes: Vec<&GradientSize> = sizes.iter().filter(|size| size.dims.len() > 1).collect();
        self.weights.resize_with(sizes.len(), Watched::default);
        for (watched, size) in self.weights.iter_mut().zip(sizes) {
            watched.name.clone_from(&size.name);
            if watched.gradients.len() < REMEMBERED {
                watched.gradients.push(size.mean_abs as f32);
            }
            let values = change.and_then(|(before, after)| {
                Some((before.get(&size.name)?, after.get(&size.name)?))
            });
            if let Some((before, after)) = values {
                let norm = |values: &mut dyn Iterator<Item = f32>| {
                    values
                        .map(|v| f64::from(v) * f64::from(v))
                        .sum::<f64>()
                        .sqrt()
                };
                let weight = norm(&mut before.iter().copied());
                let moved = norm(&mut after.iter().zip(before).map(|(a, b)| a - b));
                watched.from_zero |= weight < ZERO;
                watched
                    .changes
                    .push((moved / weight.max(usual(&size.dims))) as f32);
            }
        }
    }
}
