//! Whether a model of floats in LiteRT and an engine agree.

use edgefit_base::units::format;
use edgefit_verify::LiteRtReport;

use super::sides::{answer, labels, litert_ran, within};
use crate::table::table;

/// The answer, a row for each pair, and the accuracies.
pub fn litert(report: &LiteRtReport) -> String {
    let says = answer(report.verdict);
    let mut text = format!(
        "the LiteRT model and the ONNX model {says} on {} samples\n",
        report.samples
    );
    let mut rows = table(&[
        "result",
        "held to",
        "max |a − b|",
        "rel. L2",
        "same top-1",
        "tolerance used",
        "within",
    ]);
    for pair in &report.pairs {
        rows.add_row([
            pair.a.clone(),
            pair.b.clone(),
            format!("{:.2e}", pair.max_abs),
            format!("{:.2e}", pair.rel_l2),
            format::percent(pair.top1_agree),
            format::percent(pair.tolerance_used),
            within(pair.within),
        ]);
    }
    text.push_str(&rows.to_string());
    text.push_str(&labels(&report.accuracy));
    text.push_str(&litert_ran(&report.litert));
    text
}
