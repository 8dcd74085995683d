//! What was seen of one trained weight over the steps.

use serde::{Deserialize, Serialize};

use crate::module::Update;
use crate::{ef10_hyperparameters, ef14_gradients};

/// Steps whose gradients are remembered: vanishing and exploding show early.
const REMEMBERED: usize = 2000;

/// Single precision, because there is one number for each step and weight in a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Weight {
    pub name: String,
    /// Mean |g| of each step.
    gradients: Vec<f32>,
    /// log10 of |update| / |weight| of each step that was compared.
    updates: Vec<f32>,
    from_zero: bool,
    /// Learning rate over the highest.
    multiplier: f64,
}

impl Weight {
    pub fn new(name: &str) -> Self {
        Weight {
            name: name.into(),
            multiplier: 1.0,
            ..Weight::default()
        }
    }

    pub fn push_gradient(&mut self, mean_abs: f64) {
        if self.gradients.len() < REMEMBERED {
            self.gradients.push(mean_abs as f32);
        }
    }

    pub fn push_update(&mut self, update: &Update) {
        self.from_zero |= update.from_zero;
        self.multiplier = update.multiplier;
        self.updates.push(update.log10_ratio as f32);
    }

    pub fn gradients(&self) -> ef14_gradients::Layer {
        ef14_gradients::Layer {
            name: self.name.clone(),
            mean_abs: wide(&self.gradients),
        }
    }

    pub fn updates(&self) -> ef10_hyperparameters::Updates {
        ef10_hyperparameters::Updates {
            name: self.name.clone(),
            log10_ratios: wide(&self.updates),
            from_zero: self.from_zero,
            multiplier: self.multiplier,
        }
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}
