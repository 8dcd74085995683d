//! What became of a checkpoint, for humans.

use edgefit_base::units::format;
use edgefit_import::Report;

/// One line on the model.
pub fn import(report: &Report) -> String {
    let mut text = format!(
        "{} with {} trainable parameters in {}",
        report.arch,
        format::count(report.parameters),
        report.model.display()
    );
    if let Some(variant) = &report.variant {
        text.push_str(&format!("; variant {variant}"));
    }
    if let Some(prefix) = report.quoted_prefix() {
        text.push_str(&format!("; weights from under {prefix}"));
    }
    if !report.wrappers.is_empty() {
        let wrappers = report.wrappers.join(" and ");
        text.push_str(&format!("; {wrappers} left out of their keys"));
    }
    text
}
