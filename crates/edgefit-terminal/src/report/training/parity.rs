//! How far engines agree on the exported model.

use edgefit_base::units::format;
use edgefit_engine::EngineName;
use edgefit_verify::Pair;

use crate::report::sides::within;
use crate::table::table;

/// A row a pair of engines.
pub(super) fn parity(pairs: &[Pair]) -> String {
    let mut rows = table(&[
        "parity",
        "largest difference",
        "cosine",
        "same top-1",
        "within tolerance",
    ]);
    for pair in pairs {
        let within = within(pair.within);
        rows.add_row([
            format!("{} – {}", pair.a, pair.b),
            format!("{:.1e}", pair.max_abs),
            format!("{:.6}", pair.cosine),
            format::percent(pair.top1_agree),
            within.to_owned(),
        ]);
    }
    let mut text = rows.to_string();
    if !pairs
        .iter()
        .any(|pair| [pair.a, pair.b].contains(&EngineName::OnnxRuntime))
    {
        text.push_str("\nnot compared with ONNX Runtime, which is not there");
    }
    text
}
