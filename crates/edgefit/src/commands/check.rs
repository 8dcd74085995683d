use edgefit::cost::{self, Budget, Resource, Suggestion, Verdict};

use super::{in_file, load};
use crate::cli::Check;
use crate::human;
use crate::output::{Outcome, Output, table};

pub fn run(args: Check, output: &mut Output) -> anyhow::Result<Outcome> {
    let profile = edgefit::device::find(&args.device)?;
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let check = cost::check(&graph, &shapes, &profile).map_err(in_file(&args.model))?;
    output.result("edgefit.check/1", &check, || people(&check))?;
    Ok((check.verdict == Verdict::Fits).into())
}

/// The verdict, a row a resource, and what was tried.
pub fn people(check: &cost::Check) -> String {
    let verdict = verdict(check.verdict);
    let mut rows = table(&["resource", "where", "need", "have", "margin"]);
    for budget in &check.budgets {
        rows.add_row([
            resource(budget.resource).to_owned(),
            budget.place.clone(),
            budget.need_bytes.map_or("unknown".into(), human::bytes),
            human::bytes(budget.have_bytes),
            margin(budget),
        ]);
    }
    let mut text = format!("{verdict} {}\n{rows}", check.device);
    for budget in &check.budgets {
        text.push_str(&format!(
            "\n{}: {}",
            resource(budget.resource),
            budget.explanation
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

fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Flash => "flash",
        Resource::Ram => "RAM",
    }
}

fn margin(budget: &Budget) -> String {
    match budget.margin {
        None => "unknown".into(),
        Some(margin) if margin < 0 => {
            let short = margin.unsigned_abs();
            format!("{} short ({short} B)", human::bytes(short))
        }
        Some(margin) => human::bytes(margin.unsigned_abs()),
    }
}

fn tried(suggestion: &Suggestion) -> String {
    let verdict = verdict(suggestion.verdict);
    let needs = [
        ("flash", suggestion.flash_bytes),
        ("RAM", suggestion.ram_bytes),
    ];
    let needs: Vec<String> = needs
        .into_iter()
        .filter_map(|(name, bytes)| Some(format!("{name} {}", human::bytes(bytes?))))
        .collect();
    format!("{} {verdict} ({})", suggestion.change, needs.join(", "))
}
