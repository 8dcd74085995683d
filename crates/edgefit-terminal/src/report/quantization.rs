//! What became of a model that was quantised.

use edgefit_base::statistics::Decision;
use edgefit_base::units::format;
use edgefit_engine::Execution;
use edgefit_quant::{Comparison, Report};

use crate::paint::Tone;
use crate::table::table;

/// Most groups that are listed.
const LISTED: usize = 10;

/// What it cost, what stays float and why, and whether the limits are kept.
pub fn quantization(report: &Report) -> String {
    let files = &report.files;
    let mut text = format!(
        "{} in scheme {}: {} instead of {}, from {} calibration samples\n",
        files.model.display(),
        report.provenance.scheme,
        format::bytes(files.model_bytes),
        format::bytes(files.float_bytes),
        report.provenance.calibration_samples,
    );
    text.push_str(&compared(&report.comparison, report));
    for pair in report
        .equalized
        .iter()
        .filter(|pair| pair.most >= LARGE)
        .take(LISTED)
    {
        text.push_str(&format!(
            "\nequalised: a channel between '{}' and '{}' was {:.0} times as large as the others",
            pair.first, pair.second, pair.most
        ));
    }
    if !report.float_ops.is_empty() {
        let ops = report.float_ops.iter();
        let ops: Vec<String> = ops.map(|(op, count)| format!("{count} {op}")).collect();
        text.push_str(&format!(
            "\n{} fusion groups run on integers; float by the scheme: {}",
            report.int8_groups,
            ops.join(", ")
        ));
    }
    if !report.kept_float.is_empty() {
        text.push_str(&format!(
            "\n{} groups stay float for the accuracy (all on int8: {})\n",
            report.kept_float.len(),
            in_short(&report.all_int8)
        ));
        let mut rows = table(&["kept float", "noise if it alone is int8", "costs"]);
        for kept in report.kept_float.iter().take(LISTED) {
            rows.add_row([
                kept.nodes.join(" + "),
                format!("{:.1} dB", kept.alone_db),
                format!(
                    "{}, {} MACs",
                    format::bytes(kept.bytes),
                    format::count(kept.macs)
                ),
            ]);
        }
        text.push_str(&rows.to_string());
    }
    if !report.is_kept {
        text.push_str(&format!(
            "\n{}: {}; the file is the best that was found",
            Tone::Bad.paint("the limit is not kept"),
            in_short(&report.comparison)
        ));
    }
    text
}

/// Factor from which an equalised channel is worth telling.
const LARGE: f64 = 100.0;

/// What two models were compared on; of a single sample, that may be the one that calibrated.
pub(super) fn compared_on(samples: usize) -> String {
    match samples {
        1 => "on 1 sample".to_owned(),
        count => format!("on {count} other samples"),
    }
}

fn compared(comparison: &Comparison, report: &Report) -> String {
    let sums = if report.execution == Execution::Exact {
        " with exact sums"
    } else {
        ""
    };
    let mut text = format!(
        "{}, in {}{sums}: outputs {:.1} dB above the noise, cosine {:.5}",
        compared_on(comparison.samples),
        report.engine,
        comparison.sqnr_db,
        comparison.cosine
    );
    if let Some(agreement) = comparison.agreement {
        text.push_str(&format!(", same class {}", format::percent(agreement)));
    }
    if let Some(accuracy) = &comparison.accuracy {
        let verdict = match accuracy.decide(report.limits.max_drop) {
            Decision::Exceeded => Tone::Bad.paint("more than allowed"),
            Decision::Kept => Tone::Good.paint("within the limit"),
            Decision::Open => "too few samples to tell, so the outputs decide".into(),
        };
        text.push_str(&format!(
            "\naccuracy {} instead of {}: {:.2} points lost (± {:.2}; {} right only in float, {} only in \
             int8), limit {}: {verdict}",
            format::percent(accuracy.quantized),
            format::percent(accuracy.float),
            accuracy.drop,
            accuracy.standard_error,
            accuracy.only_float,
            accuracy.only_quantized,
            report.limits.max_drop,
        ));
    } else {
        text.push_str(&format!(
            "\nno class of a sample is known, so the outputs decide: at least {} dB",
            report.limits.min_sqnr_db
        ));
    }
    text
}

fn in_short(comparison: &Comparison) -> String {
    let lost = comparison.accuracy.as_ref();
    let lost = lost.map_or(String::new(), |accuracy| {
        format!("{:.2} points lost, ", accuracy.drop)
    });
    format!("{lost}{:.1} dB", comparison.sqnr_db)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_sample_is_no_other_one() {
        assert_eq!(compared_on(1), "on 1 sample");
        assert_eq!(compared_on(2), "on 2 other samples");
    }
}
