//! Candidates of tuning, and how far each came.

use serde::{Deserialize, Serialize};

use crate::config::recipe::{Recipe, StageRecipe};

/// What successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943, figure 3) found.
///
/// Every rung trains its candidates from the start, by a schedule of its own length, and the third
/// with the lowest validation losses goes on to three times the epochs; the recipe's own choices always
/// do. The last rung is as long as the recipe says. The best there is chosen if its loss is lower than that
/// of the recipe by more than two standard errors of the difference, and the recipe's own choices
/// otherwise: a candidate that is better by chance is not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// What was tried; the recipe's own choices first.
    pub candidates: Vec<Candidate>,
    /// Which of them is used, counted from 0.
    pub chosen: usize,
}

/// Choices of stage probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Share of a label that is spread over all classes.
    pub label_smoothing: f64,
    /// Strength of the recipe's augmentation, see [`StageRecipe::augmentation`].
    pub augmentation: f64,
    /// How far it came.
    pub rungs: Vec<Rung>,
}

/// What became of a candidate in a rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Most epochs.
    pub epochs: usize,
    /// Lowest loss on the validation samples: not smoothed, every class counting as in training; `None`
    /// if it never was finite.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation samples in that epoch; `None` for regression.
    pub val_accuracy: Option<f64>,
}

impl Tuning {
    pub(crate) fn apply_to(&self, recipe: &mut Recipe) {
        if let Some(chosen) = self.candidates.get(self.chosen) {
            recipe.probe = chosen.recipe(&recipe.probe);
        }
    }
}

impl Candidate {
    pub(crate) fn of(recipe: &StageRecipe) -> Self {
        Candidate {
            learning_rate: recipe.learning_rate,
            weight_decay: recipe.weight_decay,
            label_smoothing: recipe.label_smoothing,
            augmentation: recipe.augmentation,
            rungs: Vec::new(),
        }
    }

    pub(crate) fn recipe(&self, other: &StageRecipe) -> StageRecipe {
        StageRecipe {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            augmentation: self.augmentation,
            ..other.clone()
        }
    }

    pub(crate) fn loss(&self) -> f64 {
        let last = self.rungs.last();
        last.and_then(|rung| rung.val_loss).unwrap_or(f64::INFINITY)
    }
}
