//! What guards found.

use edgefit_guards::{Finding, Status};

use crate::paint::Tone;
use crate::table::table;

/// A row for each of those that found something, and how many did not.
pub(super) fn findings(guards: &[Finding]) -> String {
    let mut rows = table(&["guard", "", "what it found"]);
    let (said, silent): (Vec<_>, Vec<_>) = guards
        .iter()
        .partition(|found| ![Status::Pass, Status::Off].contains(&found.status));
    for found in &said {
        let status = match found.status {
            Status::Fixed => Tone::Good.paint("fixed"),
            Status::Warning => Tone::Unsure.paint("WARNING"),
            _ => Tone::Bad.paint("FAILED"),
        };
        rows.add_row([&found.code.to_string(), &status, &found.message]);
    }
    let passed = silent
        .iter()
        .filter(|found| found.status == Status::Pass)
        .count();
    let off = silent.len() - passed;
    let rest = format!("guards: {passed} passed, {off} had nothing to look at");
    if said.is_empty() {
        rest
    } else {
        format!("{rows}\n{rest}")
    }
}
