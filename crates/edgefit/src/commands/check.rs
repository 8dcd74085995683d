mod measure;

use edgefit::cost::latency::{Bound, LatencyFigure, NodeLatency};
use edgefit::cost::{
    self, Amounts, Backbone, Budget, Limits, NeedBasis, Request, Resource, Suggestion, Verdict,
};
use edgefit::device;
use edgefit::graph::infer::infer;
use edgefit::import::Architecture;
use indexmap::IndexMap;
use serde::Serialize;

use super::{draw, in_file, load};
use crate::board;
use crate::cli::Check;
use crate::output::{Outcome, Output, table};
use edgefit::base::units::format;

/// Networks to put in the place of one that is too large, from the most accurate on ImageNet.
const BACKBONES: [&str; 4] = [
    "mobilenet-v3-large",
    "mobilenet-v2",
    "mobilenet-v3-small",
    "squeezenet1-1",
];

#[derive(Serialize)]
struct Checked {
    #[serde(flatten)]
    check: cost::Check,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Layer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<Class>>,
}

/// A node that takes time.
#[derive(Serialize)]
struct Layer {
    #[serde(flatten)]
    latency: NodeLatency,
    op: String,
    output_shape: Option<Vec<usize>>,
}

/// All nodes of one class.
#[derive(Serialize)]
struct Class {
    class: String,
    nodes: usize,
    macs: u64,
    ns: u64,
}

pub fn run(args: Check, output: &mut Output) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        args.measure || args.remote.remote.is_none(),
        "on a board a model is measured; give --measure with --remote"
    );
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let mut remote = board::connect(&args.remote, output)?;
    let mut profile = match (&args.device, &remote) {
        (Some(name), _) => device::find(name)?,
        (None, None) => device::host()?,
        (None, Some(remote)) => measure::board(remote, output)?,
    };
    let limited = args.ram.or(args.flash).or(args.latency).is_some();
    if args.device.is_none() && limited {
        // Only the limits are asked for.
        profile.banks.clear();
    }
    let mut request = Request::new(&profile);
    if let Some(engine) = &args.engine {
        request = request.with_engine(engine)?;
    }
    request.threads = args.threads.unwrap_or(request.threads);
    request.limits = Limits {
        ram_bytes: args.ram,
        flash_bytes: args.flash,
        latency_ns: args.latency,
    };
    let architectures = BACKBONES.into_iter().filter_map(Architecture::named);
    request.backbones = architectures
        .map(|architecture| Backbone {
            name: architecture.name,
            build: Box::new(|classes| architecture.blank(classes)),
        })
        .collect();
    if args.measure {
        let measured = measure::measure(&args.model, &shapes, &request, &mut remote, output)?;
        request.measured = Some(measured);
    }
    let check = cost::check(&graph, &shapes, &request).map_err(in_file(&args.model))?;
    if let Some(svg) = &args.plan {
        draw(svg, &check.plan.picture())?;
    }
    let (layers, classes) = match args.layers {
        true => {
            let inference = infer(&graph, &shapes).map_err(in_file(&args.model))?;
            let layers = check.layers.iter().map(|latency| {
                let node = &graph.nodes[latency.node];
                let output = node.outputs.first().and_then(|name| inference.get(name));
                Layer {
                    latency: latency.clone(),
                    op: node.op.clone(),
                    output_shape: output.map(|ty| ty.dims.clone()),
                }
            });
            (Some(layers.collect()), Some(by_class(&check.layers)))
        }
        false => (None, None),
    };
    let checked = Checked {
        check,
        layers,
        classes,
    };
    output.result("edgefit.check/1", &checked, || {
        let mut text = people(&checked.check);
        if let (Some(layers), Some(classes)) = (&checked.layers, &checked.classes) {
            text.push('\n');
            text.push_str(&tables(layers, classes));
        }
        text
    })?;
    Ok((checked.check.verdict == Verdict::Fits).into())
}

/// Sums, the slowest first.
fn by_class(layers: &[NodeLatency]) -> Vec<Class> {
    let mut sums: IndexMap<&str, Class> = IndexMap::new();
    for layer in layers {
        let sum = sums.entry(&layer.class).or_insert_with(|| Class {
            class: layer.class.clone(),
            nodes: 0,
            macs: 0,
            ns: 0,
        });
        sum.nodes += 1;
        sum.macs = sum.macs.saturating_add(layer.macs);
        sum.ns = sum.ns.saturating_add(layer.ns);
    }
    let mut classes: Vec<Class> = sums.into_values().collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.ns));
    classes
}

fn tables(layers: &[Layer], classes: &[Class]) -> String {
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
            class.class.clone(),
            class.nodes.to_string(),
            format::count(class.macs),
            format::milliseconds(class.ns),
            format::share(class.ns, whole),
        ]);
    }
    format!("{rows}\n{sums}")
}

/// The verdict, a row a resource, the time, and what was tried.
pub fn people(check: &cost::Check) -> String {
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
    match (budget.amounts, margin < 0) {
        (Amounts::Bytes { .. }, true) => {
            format!("{} short ({amount} B)", format::bytes(amount))
        }
        (Amounts::Bytes { .. }, false) => format::bytes(amount),
        (Amounts::Time { .. }, true) => format!("{} short", format::milliseconds(amount)),
        (Amounts::Time { .. }, false) => format::milliseconds(amount),
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
