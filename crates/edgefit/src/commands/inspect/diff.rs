//! `inspect --diff`: what one model has changed from another.

use std::path::Path;

use edgefit::graph::Graph;
use edgefit::graph::diff::{Changes, Diff};

use crate::output::{Outcome, Output, table};

/// Shows what the model in `other` has changed from the one in `model`.
pub fn run(model: &Path, other: &Path, output: &mut Output) -> anyhow::Result<Outcome> {
    let diff = Diff::of(&Graph::load(model)?, &Graph::load(other)?);
    output.result("edgefit.diff/1", &diff, || human_readable(&diff))?;
    Ok(diff.is_empty().into())
}

fn human_readable(diff: &Diff) -> String {
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
            let what = super::shortened(&change.what.join("; "));
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
