//! What a search of hyperparameters tried.

use edgefit_base::units::format;
use edgefit_train::{Candidate, Tuning};

use crate::table::table;

/// What tuning tried, and what it chose.
pub(super) fn tuning(tuning: &Tuning) -> String {
    let mut rows = table(&[
        "tuned on val",
        "learning rate",
        "weight decay",
        "smoothing",
        "augmentation",
        "val",
        "val loss",
    ]);
    let mut row = |name: &str, made: &Candidate| {
        let last = made.rungs.last();
        let accuracy = last.and_then(|rung| rung.val_accuracy);
        let loss = last.and_then(|rung| rung.val_loss);
        rows.add_row([
            name.to_owned(),
            format!("{:.1e}", made.learning_rate),
            format!("{:.1e}", made.weight_decay),
            format!("{:.3}", made.label_smoothing),
            format!("× {}", made.augmentation),
            accuracy.map_or("–".to_owned(), format::percent),
            loss.map_or("–".to_owned(), |loss| format!("{loss:.4}")),
        ]);
    };
    if let Some(own) = tuning.candidates.first() {
        row("the recipe", own);
    }
    match tuning.candidates.get(tuning.chosen) {
        Some(chosen) if tuning.chosen > 0 => row("chosen", chosen),
        _ => {}
    }
    let others = tuning.candidates.len().saturating_sub(1);
    let taken = match tuning.chosen {
        0 => format!("none of {others} others was clearly better than the recipe"),
        _ => format!("the best of {others} others; recipe.toml in the run folder has it"),
    };
    format!("{rows}\n{taken}\n")
}
