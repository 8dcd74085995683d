//! A check of a model against a device.

use edgefit_base::units::format;
use edgefit_cost::latency::{Bound, ClassLatency, LatencyFigure, Layer};
use edgefit_cost::{Amounts, Budget, Check, Condition, NeedBasis, Resource, Suggestion, Verdict};

use crate::paint::Tone;
use crate::table::table;

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
pub fn check(check: &Check) -> String {
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
    let mut text = headline(check);
    text.push_str(&format!("\n{rows}"));
    if let (Some(runs), Some(engine)) = (&check.runs, &check.engine) {
        let answer = match runs.holds {
            Some(true) => None,
            Some(false) => Some("does not run it"),
            None => Some("may or may not run it"),
        };
        if let Some(answer) = answer {
            text.push_str(&format!("\n{engine} {answer}: {}", runs.explanation));
        }
        if let Some(reason) = &runs.not_tried {
            text.push_str(&format!("\n{engine} was not tried: {reason}"));
        }
    }
    for budget in &check.budgets {
        let open = match (budget.holds, &budget.holds_if) {
            (None, Some(condition)) => format!("holds, {}: ", conditions([condition])),
            (None, None) => "may or may not hold: ".to_owned(),
            _ => String::new(),
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
            "\nenergy of a run: {} at full load ({})",
            format::millijoules(energy.energy_mj),
            basis(energy.basis)
        ));
    }
    if let Some(note) = &check.note {
        text.push_str(&format!("\nnote: {note}"));
    }
    for suggestion in &check.suggestions {
        text.push_str(&format!("\ntried: {}", tried(suggestion)));
        if let Some(command) = &suggestion.command {
            text.push_str(&format!("\nmake it: {command}"));
        }
    }
    if let Some(command) = &check.search {
        text.push_str(&format!("\nfind a network that fits: {command}"));
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
    let is_too_large = check.verdict == Verdict::DoesNotFit && !refused(check);
    if is_too_large && nothing_helps && check.search.is_none() {
        text.push_str("\nnothing tried makes it fit; start from a smaller backbone");
    }
    text
}

/// The answer, the device and the engine, in one line.
fn headline(check: &Check) -> String {
    let verdict = if refused(check) {
        "does not run on".to_owned()
    } else {
        verdict(check.verdict, &[])
    };
    let verdict = tone(check.verdict).paint(verdict);
    let engine = check.engine.as_ref();
    let engine = engine.map_or(String::new(), |engine| format!(" with {engine}"));
    match check.fits_if.as_slice() {
        [] => format!("{verdict} {}{engine}", check.device),
        open => {
            let fits = format!("fits, {}", conditions(open));
            let fits = tone(check.verdict).paint(fits);
            format!("{fits} ({}{engine})", check.device)
        }
    }
}

/// What its colour says of a verdict.
pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Fits => Tone::Good,
        Verdict::DoesNotFit => Tone::Bad,
        Verdict::Unknown => Tone::Unsure,
    }
}

/// Whether the engine does not run the model.
fn refused(check: &Check) -> bool {
    let runs = check.runs.as_ref();
    runs.is_some_and(|runs| runs.holds == Some(false))
}

/// A verdict in words.
pub(super) fn verdict(verdict: Verdict, fits_if: &[Condition]) -> String {
    match (verdict, fits_if) {
        (Verdict::Unknown, [_, ..]) => format!("fits, {}", conditions(fits_if)),
        (Verdict::Fits, _) => "fits".into(),
        (Verdict::DoesNotFit, _) => "does not fit".into(),
        (Verdict::Unknown, []) => "may or may not fit".into(),
    }
}

fn conditions<'c>(conditions: impl IntoIterator<Item = &'c Condition>) -> String {
    let conditions = conditions.into_iter().map(|condition| {
        let bytes = format::bytes(condition.bytes);
        format!("{} is below {bytes}", condition.missing)
    });
    format!("if {}", conditions.collect::<Vec<_>>().join(" and "))
}

/// Need and have in words.
pub(super) fn amounts(amounts: Amounts) -> (String, String) {
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
    let low = format::milliseconds(figure.low_ns);
    let basis = basis(figure.basis);
    match (figure.ns, figure.high_ns) {
        (Some(ns), Some(high)) => format!(
            "{} ({low} to {}, {basis}, {threads})",
            format::milliseconds(ns),
            format::milliseconds(high)
        ),
        _ => format!(
            "{low} at least ({basis}, {threads}); how much more is not known: the profile has no bandwidth \
             of the memory, or no time of a kernel"
        ),
    }
}

fn tried(suggestion: &Suggestion) -> String {
    let verdict = verdict(suggestion.verdict, &suggestion.fits_if);
    let verdict = tone(suggestion.verdict).paint(&verdict);
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
