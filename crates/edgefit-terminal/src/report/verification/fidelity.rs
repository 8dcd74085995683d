//! How much a quantised model keeps of the float one, as tables.

use edgefit_base::units::format;
use edgefit_verify::{DecidedBy, Fidelity, LayerError, LayerErrors};

use crate::report::sides::within;
use crate::table::table;

/// Values inside that are listed; `--json` has all.
const LISTED: usize = 12;

pub fn text(fidelity: &Fidelity) -> String {
    let mut text = outputs(fidelity);
    if !fidelity.accuracy.is_empty() {
        text.push('\n');
        text.push_str(&accuracy(fidelity));
    }
    let decides = match fidelity.decided_by {
        DecidedBy::Accuracy => {
            "the labels decide: a loss counts where it is certainly above half a point"
        }
        DecidedBy::Outputs => {
            "the outputs decide: cosine at least 0.99, SQNR at least 16.9 dB, and no more answers changed than noise of this size explains"
        }
    };
    text.push_str(&format!("\n{decides}"));
    if let Some(layers) = &fidelity.layers {
        text.push('\n');
        text.push_str(&errors(layers));
    }
    text
}

fn decibels(sqnr: Option<f64>) -> String {
    sqnr.map_or("exact".to_owned(), |sqnr| format!("{sqnr:.1} dB"))
}

fn outputs(fidelity: &Fidelity) -> String {
    let mut rows = table(&[
        "kept in",
        "output",
        "inputs",
        "cosine",
        "SQNR",
        "same top-1",
        "explained from",
        "within",
    ]);
    for output in &fidelity.outputs {
        let share = |share: Option<f64>| share.map_or(String::new(), format::percent);
        let sqnr = if output.cosine.is_finite() {
            decibels(output.sqnr_db)
        } else {
            String::new()
        };
        rows.add_row([
            output.engine.to_string(),
            output.output.clone(),
            format!("{} ({})", output.input, output.samples),
            format!("{:.6}", output.cosine),
            sqnr,
            share(output.top1_agree),
            share(output.top1_least),
            within(output.within),
        ]);
    }
    rows.to_string()
}

fn accuracy(fidelity: &Fidelity) -> String {
    let mut rows = table(&[
        "labels in",
        "of",
        "lost",
        "gained",
        "points lost",
        "paired error",
        "within",
    ]);
    for loss in &fidelity.accuracy {
        rows.add_row([
            loss.engine.to_string(),
            loss.samples.to_string(),
            loss.lost.to_string(),
            loss.gained.to_string(),
            format!("{:.2}", loss.lost_points),
            format!("{:.2}", loss.paired_error),
            within(loss.within),
        ]);
    }
    rows.to_string()
}

/// The values at which most is lost, and the outputs, in graph order.
fn errors(layers: &LayerErrors) -> String {
    let values = &layers.values;
    let mut by_fall: Vec<usize> = (0..values.len()).collect();
    by_fall.sort_by(|&a, &b| values[b].fall_db.total_cmp(&values[a].fall_db));
    by_fall.truncate(LISTED);
    by_fall.extend(values.len().checked_sub(1));
    by_fall.sort_unstable();
    by_fall.dedup();
    let shown = format!("value in {}", layers.engine);
    let mut rows = table(&[&shown, "made by", "SQNR", "fall", ""]);
    let mark = |value: &LayerError| match layers.largest_fall.as_deref() {
        Some(largest) if largest == value.value => "the largest".to_owned(),
        _ => String::new(),
    };
    for value in by_fall.iter().map(|&index| &values[index]) {
        rows.add_row([
            value.value.clone(),
            format!("{} ({})", value.node, value.op),
            decibels(value.sqnr_db),
            format!("{:.1} dB", value.fall_db),
            mark(value),
        ]);
    }
    let left = values.len() - by_fall.len();
    let more = match left {
        0 => String::new(),
        left => format!("\n{left} more values fall less; --json has all"),
    };
    format!("{rows}{more}")
}
