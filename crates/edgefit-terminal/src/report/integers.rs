//! Whether an integer program, the C made of it, and an engine agree.

use edgefit_base::units::format;
use edgefit_verify::IntegerReport;

use super::sides::{answer, labels, litert_ran, within};
use crate::table::table;

/// The answer, a row for each pair, the accuracies, and where the C ran.
pub fn integers(report: &IntegerReport) -> String {
    let says = answer(report.verdict);
    let mut text = format!(
        "the integer program and what it is held to {says} on {} samples\n",
        report.samples
    );
    let mut rows = table(&[
        "result",
        "held to",
        "bytes that differ",
        "steps at most",
        "SQNR",
        "same top-1",
        "within",
    ]);
    for pair in &report.pairs {
        rows.add_row([
            pair.a.clone(),
            pair.b.clone(),
            format!("{} of {}", pair.different, pair.bytes),
            pair.max_steps.to_string(),
            pair.sqnr_db
                .map_or("exact".to_owned(), |sqnr| format!("{sqnr:.1} dB")),
            pair.top1_agree.map_or(String::new(), format::percent),
            within(pair.within),
        ]);
    }
    text.push_str(&rows.to_string());
    text.push_str(&labels(&report.accuracy));
    if let Some(version) = &report.litert {
        text.push_str(&litert_ran(version));
    }
    if let Some(emulation) = &report.emulation {
        let [least, most] =
            [emulation.least_instructions, emulation.most_instructions].map(format::count);
        let count = if least == most {
            least
        } else {
            format!("{least} to {most}")
        };
        text.push_str(&format!(
            "\nc ran on an emulated {} (QEMU {}) for {}: {count} instructions a run, which is a count and no time",
            emulation.core, emulation.machine, emulation.device
        ));
    }
    text
}
