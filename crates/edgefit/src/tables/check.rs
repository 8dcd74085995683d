//! A check of a model against a device, as human-readable text.

use edgefit::base::units::format;
use edgefit::cost::latency::{Bound, ClassLatency, LatencyFigure, Layer};
use edgefit::cost::{Amounts, Budget, Check, NeedBasis, Resource, Suggestion, Verdict};

use crate::output::table;

/// The nodes with their times, and the sums by class of op.
pub fn layers(layers: &[Layer], classes: &[ClassLatency]) -> String {
    if layers.is_empty() {
        return "no times of the nodes: nothing is known of how fast this device computes".into();
    }
    let whole = classes.iter().map(|class| class.ns).sum();
    let mut rows = table(&["node", "op", "output", "MACs", "time", "share", "bound by"]);
    for layer in layers {
        let bound = match layer.latency.bound {
            Bound::Compute => "compute",
            Bound::Memory => "memory",
            Bound::Overhead => "overhead",
        };
        rows.add_row([
            layer.latency.name.clone(),
            layer.op.clone(),
            layer
                .output_shape
                .as_deref()
                .map_or("unknown".into(), format::shape),
            format::count(layer.latency.macs),
            format::milliseconds(layer.latency.ns),
            format::share(layer.latency.ns, whole),
            bound.to_owned(),
        ]);
    }
    let mut sums = table(&["class", "nodes", "MACs", "time", "share"]);
    for class in classes {
        sums.add_row([
            class.class.to_string(),
            class.nodes.to_string(),
            format::count(class.macs),
            format::milliseconds(class.ns),
            format::share(class.ns, whole),
        ]);
    }
    format!("{rows}\n{sums}")
}

/// The verdict, a row a resource, the time, and what was tried.
pub fn verdict_and_budgets(check: &Check) -> String {
    let verdict = verdict(check.verdict);
    let mut rows = table(&["resource", "where", "need", "have", "margin", "basis"]);
    for budget in &check.budgets {
        let (need, have) = amounts(budget.amounts);
        rows.add_row([
            resource(budget.resource).to_owned(),
            budget.place.clone(),
            need,
            have,
            margin(budget),
            basis(budget.basis).to_owned(),
        ]);
    }
    let mut text = format!("{verdict} {}", check.device);
    if let Some(engine) = &check.engine {
        text.push_str(&format!(" with {engine}"));
    }
    text.push_str(&format!("\n{rows}"));
    for budget in &check.budgets {
        let open = match budget.holds {
            None => "may or may not hold: ",
            _ => "",
        };
        text.push_str(&format!(
            "\n{}: {open}{}",
            resource(budget.resource),
            budget.explanation
        ));
    }
    if let Some(figure) = &check.latency {
        text.push_str(&format!("\none run: {}", time(figure)));
    }
    if let Some(energy) = &check.energy {
        text.push_str(&format!(
            "\nenergy of a run: {:.1} mJ at full load ({})",
            energy.energy_mj,
            basis(energy.basis)
        ));
    }
    for suggestion in &check.suggestions {
        text.push_str(&format!("\ntried: {}", tried(suggestion)));
    }
    for unsupported in &check.unsupported {
        text.push_str(&format!(
            "\nunknown behind {} ×{} (first: node '{}'): {}",
            unsupported.op,
            unsupported.nodes.len(),
            unsupported.nodes.first().map_or("", String::as_str),
            unsupported.reason
        ));
    }
    let nothing_helps = check
        .suggestions
        .iter()
        .all(|tried| tried.verdict == Verdict::DoesNotFit);
    if check.verdict == Verdict::DoesNotFit && nothing_helps {
        text.push_str("\nnothing tried makes it fit; start from a smaller backbone");
    }
    text
}

/// A verdict in words.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fits => "fits",
        Verdict::DoesNotFit => "does not fit",
        Verdict::Unknown => "may or may not fit",
    }
}

/// Need and have in words.
pub fn amounts(amounts: Amounts) -> (String, String) {
    let known = |need: Option<u64>, show: fn(u64) -> String| need.map_or("unknown".into(), show);
    match amounts {
        Amounts::Bytes {
            need_bytes,
            have_bytes,
        } => (known(need_bytes, format::bytes), format::bytes(have_bytes)),
        Amounts::Time { need_ns, have_ns } => (
            known(need_ns, format::milliseconds),
            format::milliseconds(have_ns),
        ),
    }
}

fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Flash => "flash",
        Resource::Ram => "RAM",
        Resource::Latency => "latency",
    }
}

fn basis(basis: NeedBasis) -> &'static str {
    match basis {
        NeedBasis::Measured => "measured",
        NeedBasis::Calibrated => "calibrated",
        NeedBasis::Estimate => "estimate",
    }
}

fn margin(budget: &Budget) -> String {
    let Some(margin) = budget.margin else {
        return "unknown".into();
    };
    let amount = margin.unsigned_abs();
    let shown = match budget.amounts {
        Amounts::Bytes { .. } => format::bytes(amount),
        Amounts::Time { .. } => format::milliseconds(amount),
    };
    if margin >= 0 {
        return shown;
    }
    match budget.amounts {
        Amounts::Bytes { .. } => format!("{shown} short ({amount} B)"),
        Amounts::Time { .. } => format!("{shown} short"),
    }
}

fn time(figure: &LatencyFigure) -> String {
    let threads = match figure.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    format!(
        "{} ({} to {}, {}, {threads})",
        format::milliseconds(figure.ns),
        format::milliseconds(figure.low_ns),
        format::milliseconds(figure.high_ns),
        basis(figure.basis)
    )
}

fn tried(suggestion: &Suggestion) -> String {
    let verdict = verdict(suggestion.verdict);
    let bytes = |name: &str, bytes: Option<u64>| Some(format!("{name} {}", format::bytes(bytes?)));
    let ns = suggestion.latency_ns;
    let needs = [
        bytes("flash", suggestion.flash_bytes),
        bytes("RAM", suggestion.ram_bytes),
        ns.map(|ns| format!("one run {}", format::milliseconds(ns))),
    ];
    let needs: Vec<String> = needs.into_iter().flatten().collect();
    format!("{} {verdict} ({})", suggestion.change, needs.join(", "))
}
