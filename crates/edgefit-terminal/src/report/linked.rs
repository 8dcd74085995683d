//! What the linker says of a model on a device.

use edgefit_base::units::format;
use edgefit_micro::target::{LinkVerdict, Linked, LinkedBudget};

use super::exported::{overlaps, patches};
use crate::paint::Tone;
use crate::table::table;

/// The verdict, a row for each memory, and one for each section.
pub fn linked(linked: &Linked) -> String {
    let verdict = match linked.verdict {
        LinkVerdict::Fits => Tone::Good.paint("fits (linked)"),
        LinkVerdict::DoesNotFit => Tone::Bad.paint("does not fit (the linker refused it)"),
    };
    let mut text = format!("{verdict} {} with c, core {}\n", linked.device, linked.core);
    let mut rows = table(&[
        "resource",
        "where",
        "need",
        "have",
        "margin",
        "basis",
        "predicted",
        "difference",
    ]);
    for budget in &linked.budgets {
        rows.add_row([
            budget.resource.to_owned(),
            budget.place.clone(),
            format::bytes(budget.need_bytes),
            format::bytes(budget.have_bytes),
            margin(budget),
            budget.basis.to_owned(),
            format::bytes(budget.predicted_bytes),
            difference(budget),
        ]);
    }
    text.push_str(&rows.to_string());
    text.push('\n');
    let mut rows = table(&["section", "where", "address", "bytes"]);
    for section in &linked.sections {
        rows.add_row([
            section.name.clone(),
            section.place.clone(),
            format!("{:#010x}", section.address),
            section.bytes.to_string(),
        ]);
    }
    text.push_str(&rows.to_string());
    if let Some(made) = &linked.patches {
        text.push_str(&patches(made));
    }
    text.push_str(&overlaps(linked.overlaps));
    if let Some(refusal) = &linked.refusal {
        text.push_str(&format!("\nthe linker said: {refusal}"));
    }
    text
}

fn margin(budget: &LinkedBudget) -> String {
    let bytes = format::bytes(budget.margin.unsigned_abs());
    if budget.holds {
        format!("{bytes} left")
    } else {
        format!("{bytes} short ({} B)", budget.margin.unsigned_abs())
    }
}

fn difference(budget: &LinkedBudget) -> String {
    let percent = 100.0 * budget.difference as f64 / budget.need_bytes.max(1) as f64;
    format!("{:+} B ({percent:+.1} %)", budget.difference)
}
