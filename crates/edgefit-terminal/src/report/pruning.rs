//! What became of a model that was pruned.

use edgefit_base::units::format;
use edgefit_prune::Report;

use super::quantization::compared_on;
use crate::table::table;

/// Most layers of a group that are named.
const NAMED: usize = 3;

/// What is left of each group, what had to stay and why, what it costs, and what to do next.
pub fn pruning(report: &Report) -> String {
    let totals = &report.totals;
    let mut rows = table(&["channels of", "were", "left"]);
    for group in &report.groups {
        rows.add_row([
            named(&group.nodes),
            group.channels.to_string(),
            group.kept.to_string(),
        ]);
    }
    let mut text = rows.to_string();
    for frozen in &report.frozen {
        text.push_str(&format!(
            "\nstays: {}, because of {}",
            named(&frozen.nodes),
            frozen.reason
        ));
    }
    text.push_str(&format!(
        "\n{}: {} MACs instead of {}, {} parameters instead of {}, {} of weights instead of {}",
        report.run.model.display(),
        format::count(totals.macs.after),
        format::count(totals.macs.before),
        format::count(totals.parameters.after),
        format::count(totals.parameters.before),
        format::bytes(totals.weight_bytes.after),
        format::bytes(totals.weight_bytes.before),
    ));
    text.push_str(&format!(
        "\n{}: cosine {:.5}",
        compared_on(report.samples),
        report.cosine
    ));
    if let Some(agreement) = report.agreement {
        text.push_str(&format!(", same class {}", format::percent(agreement)));
    }
    match &report.accuracy {
        Some(accuracy) => text.push_str(&format!(
            "\naccuracy {} instead of {} on {} labelled samples: {:.2} points lost (95 % interval {:.2} to {:.2})",
            format::percent(accuracy.after),
            format::percent(accuracy.before),
            accuracy.samples,
            accuracy.lost,
            accuracy.interval[0],
            accuracy.interval[1],
        )),
        None => text.push_str("\nno class of a sample is known, so no accuracy was compared"),
    }
    text.push_str(&format!(
        "\nnext: edgefit train DATA --backbone {} --stages probe,top,full",
        report.run.model.display()
    ));
    text
}

fn named(nodes: &[String]) -> String {
    let first = nodes.iter().take(NAMED).map(String::as_str);
    let mut text = first.collect::<Vec<_>>().join(", ");
    if nodes.len() > NAMED {
        text.push_str(&format!(" and {} more", nodes.len() - NAMED));
    }
    text
}
