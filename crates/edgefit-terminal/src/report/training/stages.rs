//! The stages of a training.

use edgefit_base::units::format;
use edgefit_train::{Stage, StageName};

use crate::table::table;

/// A row a stage.
pub(super) fn stages(stages: &[Stage]) -> String {
    let mut rows = table(&[
        "stage",
        "trained behind",
        "parameters",
        "epochs",
        "val",
        "val loss",
        "time",
        "",
    ]);
    for stage in stages {
        let behind = match (stage.name, &stage.frozen_to) {
            (StageName::Probe, _) => "the backbone",
            (_, Some(node)) => node.as_str(),
            (_, None) => "the input",
        };
        rows.add_row([
            stage.name.to_string(),
            behind.to_owned(),
            format::count(stage.parameters as u64),
            format!("{} (best {})", stage.epochs.len(), stage.best_epoch),
            stage.val_accuracy.map_or("–".to_owned(), format::percent),
            format!("{:.4}", stage.val_loss),
            format::seconds(stage.duration_ns),
            if stage.kept {
                "kept".to_owned()
            } else {
                "discarded: no better".to_owned()
            },
        ]);
    }
    rows.to_string()
}
