//! Whether a model of floats in LiteRT and an engine agree.

use edgefit_base::units::format;
use edgefit_verify::{LiteRtReport, Verdict};

use crate::paint::Tone;
use crate::table::table;

/// The answer, a row for each pair, and the accuracies.
pub fn litert(report: &LiteRtReport) -> String {
    let says = match report.verdict {
        Verdict::Agree | Verdict::Crashed => Tone::Good.paint("agree"),
        Verdict::Diverge => Tone::Bad.paint("DIVERGE"),
    };
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
            if pair.within {
                Tone::Good.paint("yes")
            } else {
                Tone::Bad.paint("NO")
            },
        ]);
    }
    text.push_str(&rows.to_string());
    for side in &report.accuracy {
        text.push_str(&format!(
            "\n{}: {} of {} labels correct",
            side.engine, side.correct, side.samples
        ));
    }
    text.push_str(&format!(
        "\nlitert ran the exported .tflite file in LiteRT {}: with its reference kernels, and as litert-default with \
         those that it takes by itself (XNNPACK's)",
        report.litert
    ));
    text
}
