//! Whether tuning ended at the edge of what it tried (EF10).

use edgefit_guards::Findings;
use edgefit_guards::ef10_hyperparameters::{Search, check_search};

use crate::stages::tune::candidate::{Candidate, Tuning};

/// Whether something better may lie beyond what was tried (EF10).
///
/// Smoothing and augmentation are searched from nothing to what nobody uses; there is nothing beyond.
pub(crate) fn check(findings: &mut Findings, tuning: &Tuning) {
    let Some(chosen) = tuning.candidates.get(tuning.chosen) else {
        return;
    };
    type Value = fn(&Candidate) -> f64;
    let values: [(&str, Value); 2] = [
        ("learning_rate", |made| made.learning_rate),
        ("weight_decay", |made| made.weight_decay),
    ];
    for (name, value) in values {
        // Only the first rung has all of them.
        let trial = |made: &Candidate| {
            let loss = made.rungs.first().and_then(|rung| rung.val_loss);
            [value(made), loss.unwrap_or(f64::INFINITY)]
        };
        findings.record(check_search(&Search {
            name: name.into(),
            chosen: value(chosen),
            trials: tuning.candidates.iter().map(trial).collect(),
        }));
    }
}
