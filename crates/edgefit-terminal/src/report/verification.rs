//! Whether engines, or two models, agree, and where they part.

mod fidelity;

use edgefit_base::units::format;
use edgefit_verify::{
    Compared, Counterparts, Divergence, InputKind, MatchedBy, Pair, Report, Statistics, Status,
    Verdict,
};

use crate::paint::Tone;
use crate::table::table;

/// Most nodes that are listed.
const LISTED: usize = 6;

/// The answer, a row for each comparison, and what is known of the cause.
pub fn verification(report: &Report) -> String {
    let what = match (&report.fidelity, &report.against) {
        (Some(_), _) => "the quantised model and the float one",
        (None, Some(_)) => "the models",
        (None, None) => "the engines",
    };
    let says = match report.verdict {
        Verdict::Agree | Verdict::Crashed => Tone::Good.paint("agree"),
        Verdict::Diverge => Tone::Bad.paint("DIVERGE"),
    };
    let mut text = match report.cases.as_slice() {
        [] => format!("{what} were not compared\n"),
        cases => {
            let counted = |case: &&Compared| case.decides || case.input.is_data();
            let counted: Vec<&Compared> = cases.iter().filter(counted).collect();
            format!("{what} {says} on {}\n", inputs(&counted))
        }
    };
    match &report.fidelity {
        // Parity is not asked for.
        Some(kept) => text.push_str(&fidelity::text(kept)),
        None => text.push_str(&comparisons(&report.pairs)),
    }
    let expected = |found: &&Counterparts| report.fidelity.is_none() || !found.same_network();
    if let Some(found) = report.counterparts.as_ref().filter(expected) {
        text.push_str(&correspondence(found));
    }
    for engine in &report.engines {
        let problem = engine.problem.as_deref().unwrap_or_default();
        let name = engine.engine;
        match engine.status {
            Status::Ran => {}
            Status::Missing => text.push_str(&format!("\nnot compared with {name}: not installed")),
            Status::Failed => text.push_str(&format!("\nnot compared with {name}: {problem}")),
            Status::Crashed => {
                text.push_str(&format!("\n{}: {problem}", Tone::Bad.paint("CRASHED")));
            }
        }
    }
    for fault in &report.faults {
        let by = fault.engine.map_or(String::new(), |by| format!(" in {by}"));
        text.push_str(&format!(
            "\nnot in eval mode{by}: node '{}' ({}) {}",
            fault.node, fault.op, fault.message
        ));
    }
    if let Some(found) = &report.first_divergence {
        text.push_str(&divergence(found));
    }
    if let Some(cause) = &report.likely_cause {
        text.push_str(&format!("\n{cause}"));
    }
    for crash in &report.search_crashes {
        text.push_str(&format!(
            "\nCRASHED in the search: {} on {}: {}",
            crash.engine, crash.cut, crash.message
        ));
    }
    if report.cases.iter().any(|case| case.accumulated) {
        text.push_str(
            "\non an edge-case input the results are apart though every node agrees alone: rounding adds up \
             there, and that does not count",
        );
    }
    if let Some(files) = &report.reduced {
        let against = files.against.as_ref();
        let against = against.map_or(String::new(), |path| {
            format!(" --against {}", path.display())
        });
        text.push_str(&format!(
            "\nreproduce it: edgefit verify {}{against} --inputs {}",
            files.model.display(),
            files.inputs.display()
        ));
    }
    if !report.accuracy.is_empty() {
        text.push('\n');
        text.push_str(&accuracies(report));
    }
    text
}

/// What was compared: `8 random samples, 1 one sample, …`.
fn inputs(cases: &[&Compared]) -> String {
    let mut kinds: Vec<(InputKind, usize)> = Vec::new();
    for case in cases {
        if !kinds.iter().any(|(name, _)| *name == case.input) {
            kinds.push((case.input, case.samples));
        }
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, samples)| match kind {
            InputKind::OneSample => kind.to_string(),
            kind => format!("{kind} ({samples})"),
        })
        .collect();
    format!("inputs: {}", kinds.join(", "))
}

fn comparisons(pairs: &[Compared]) -> String {
    let mut rows = table(&[
        "parity",
        "output",
        "worst on",
        "largest difference",
        "cosine",
        "same top-1",
        "of tolerance",
        "within",
    ]);
    for Compared {
        input,
        output,
        pair,
        accumulated,
        ..
    } in pairs
    {
        let within = if pair.within {
            Tone::Good.paint("yes")
        } else if *accumulated {
            "adds up".to_owned()
        } else {
            Tone::Bad.paint("NO")
        };
        rows.add_row([
            format!("{} – {}", pair.a, pair.b),
            output.clone(),
            input.to_string(),
            format!("{:.1e}", pair.max_abs),
            format!("{:.6}", pair.cosine),
            format::percent(pair.top1_agree),
            format::percent(pair.tolerance_used),
            within,
        ]);
    }
    rows.to_string()
}

/// How far the two models are the same network.
fn correspondence(found: &Counterparts) -> String {
    let Counterparts {
        matched,
        model,
        other,
        ..
    } = found;
    let count =
        format!("{matched} of its {model} nodes have a counterpart among the other's {other}");
    match found.by {
        MatchedBy::Nothing => format!(
            "\ntwo different networks: {count}, so that no node can be named as the first to differ"
        ),
        _ if !found.same_network() => {
            format!("\ntwo different networks, with layers of other sizes: {count}")
        }
        MatchedBy::Structure => format!(
            "\nits inner values have other names and were matched by what makes them: {count}"
        ),
        MatchedBy::Names if (matched, matched) == (model, other) => String::new(),
        MatchedBy::Names => format!("\nnot all is the same: {count}"),
    }
}

fn divergence(found: &Divergence) -> String {
    // Of several nodes that only differ together, any may be the first.
    let mut text = match found.nodes.len() {
        0 | 1 => format!(
            "\nthe first node to differ is '{}' ({})",
            found.node, found.op
        ),
        nodes => format!(
            "\nthe results part somewhere in the {nodes} nodes up to '{}' ({})",
            found.node, found.op
        ),
    };
    let apart = |pair: &Pair| {
        if pair.nan == [0, 0] {
            format!("by up to {:.1e}, at {:?}", pair.max_abs, pair.worst)
        } else {
            format!("{} and {} NaN", pair.nan[0], pair.nan[1])
        }
    };
    if let Some(pair) = &found.difference {
        text.push_str(&format!(": its '{}' {}", found.value, apart(pair)));
    }
    text.push_str(&match &found.alone {
        Some(alone) if !alone.within => match found.nodes.len() {
            0 | 1 => format!("; with the same inputs it still differs, {}", apart(alone)),
            _ => format!(
                "; {} run together on the same inputs still differ, {}",
                listed(&found.nodes),
                apart(alone)
            ),
        },
        Some(_) => "; with the same inputs it differs a little, and what follows makes that large"
            .to_owned(),
        None => "; with the same inputs no node differs, so errors from before add up".to_owned(),
    });
    if let Some(cause) = &found.cause {
        text.push_str(&format!("\n{cause}"));
    }
    if !found.inputs.is_empty() {
        text.push('\n');
        text.push_str(&statistics(&found.inputs));
    }
    text
}

/// The names, or the first and the last of many.
fn listed(nodes: &[String]) -> String {
    match nodes {
        [first @ .., last] if nodes.len() > LISTED => {
            format!("{}, … {last}", first[..LISTED - 1].join(", "))
        }
        nodes => nodes.join(", "),
    }
}

fn statistics(inputs: &[Statistics]) -> String {
    let mut rows = table(&[
        "it reads",
        "shape",
        "min",
        "max",
        "mean",
        "std",
        "non-finite",
    ]);
    for input in inputs {
        rows.add_row([
            input.name.clone(),
            format::shape(&input.dims),
            format!("{:.3e}", input.min),
            format!("{:.3e}", input.max),
            format!("{:.3e}", input.mean),
            format!("{:.3e}", input.std),
            (input.nan + input.infinite).to_string(),
        ]);
    }
    rows.to_string()
}

fn accuracies(report: &Report) -> String {
    let mut rows = table(&["model", "engine", "correct", "of", "accuracy"]);
    for accuracy in &report.accuracy {
        rows.add_row([
            accuracy.model.display().to_string(),
            accuracy.engine.to_string(),
            accuracy.correct.to_string(),
            accuracy.samples.to_string(),
            format::percent(accuracy.accuracy),
        ]);
    }
    rows.to_string()
}
