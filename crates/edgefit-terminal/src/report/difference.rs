//! What one model has changed from another.

use edgefit_graph::diff::{Changes, Diff};

use crate::report::shorten::shortened;
use crate::table::table;

/// A row for each thing that is not the same, and how many there are.
pub fn difference(diff: &Diff) -> String {
    let kinds = [
        ("node", &diff.nodes),
        ("initializer", &diff.initializers),
        ("interface", &diff.interface),
        ("model", &diff.model),
    ];
    if diff.is_empty() {
        return "the models are the same".into();
    }
    let mut rows = table(&["", "kind", "name", "what"]);
    for (kind, changes) in kinds {
        for (sign, names) in [("−", &changes.removed), ("+", &changes.added)] {
            for name in names {
                rows.add_row([sign, kind, name, ""]);
            }
        }
        for change in &changes.changed {
            let what = shortened(&change.what.join("; "));
            rows.add_row(["~", kind, &change.name, &what]);
        }
    }
    let count = |name: &str, changes: &Changes| {
        format!(
            "{name}: {} removed, {} added, {} changed, {} the same",
            changes.removed.len(),
            changes.added.len(),
            changes.changed.len(),
            changes.same
        )
    };
    let counts = [
        count("nodes", &diff.nodes),
        count("initializers", &diff.initializers),
    ];
    format!("{rows}\n{}", counts.join("\n"))
}
