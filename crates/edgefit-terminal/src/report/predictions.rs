//! What a model says of samples.

use edgefit_base::units::format;
use edgefit_graph::Task;
use edgefit_predict::Predictions;

use crate::table::table;

/// A row a sample, and how many are right.
pub fn predictions(all: &Predictions) -> String {
    let known = all.predictions.iter().any(|one| one.truth.is_some());
    let mut heads = vec!["sample", "predicted"];
    if all.task != Task::Regression {
        heads.push("probabilities");
    }
    if known {
        heads.push("is");
    }
    let mut rows = table(&heads);
    for one in &all.predictions {
        let mut cells = vec![one.file.clone(), one.label.clone()];
        if all.task != Task::Regression {
            let top = one.top.iter();
            let top = top
                .map(|likely| format!("{} {}", likely.label, format::percent(likely.probability)));
            cells.push(top.collect::<Vec<_>>().join(", "));
        }
        if known {
            cells.push(one.truth.clone().unwrap_or_default());
        }
        rows.add_row(cells);
    }
    let told = all.accuracy.as_ref().map(|accuracy| {
        format!(
            "\n{} of {} whose class is known are right ({})",
            accuracy.correct,
            accuracy.samples,
            format::percent(accuracy.accuracy)
        )
    });
    format!("{rows}{}", told.unwrap_or_default())
}
