//! Words of the reports that hold a model to an engine on samples.

use edgefit_verify::{IntegerAccuracy, Verdict};

use crate::paint::Tone;

/// Whether what was compared agrees.
pub(super) fn answer(verdict: Verdict) -> String {
    match verdict {
        Verdict::Agree | Verdict::Crashed => Tone::Good.paint("agree"),
        Verdict::Diverge => Tone::Bad.paint("DIVERGE"),
    }
}

/// Whether a pair is within its tolerance.
pub(super) fn within(within: bool) -> String {
    if within {
        Tone::Good.paint("yes")
    } else {
        Tone::Bad.paint("NO")
    }
}

/// A line for each side: how many labels are correct.
pub(super) fn labels(sides: &[IntegerAccuracy]) -> String {
    let line = |side: &IntegerAccuracy| {
        let (engine, correct, samples) = (&side.engine, side.correct, side.samples);
        format!("\n{engine}: {correct} of {samples} labels correct")
    };
    sides.iter().map(line).collect()
}

/// What ran in LiteRT, a line.
pub(super) fn litert_ran(version: &str) -> String {
    format!(
        "\nlitert ran the exported .tflite file in LiteRT {version}: with its reference kernels, and as \
         litert-default with those that it takes by itself (XNNPACK's)"
    )
}
