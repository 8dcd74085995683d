//! `inspect`: what a model is and costs.

mod diff;

use edgefit::base::units::format;
use edgefit::cost::{self, Inspection, Listing, Totals};

use super::{in_file, load};
use crate::cli::{Inspect, SortKey};
use crate::output::{Outcome, Output, table};

pub fn run(args: Inspect, output: &mut Output) -> anyhow::Result<Outcome> {
    if let Some(other) = &args.diff {
        return diff::run(&args.model, other, output);
    }
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let listing = Listing {
        sort: args.sort.into(),
        depth: args.depth.map(|depth| depth as usize),
    };
    let inspection = Inspection::of(&graph, &shapes, listing).map_err(in_file(&args.model))?;
    if args.csv {
        output.text(&inspection.to_csv()?)?;
        return Ok(Outcome::Yes);
    }
    output.result("edgefit.inspect/1", &inspection, || {
        format!("{}\n{}", rows(&inspection), totals(&inspection))
    })?;
    Ok(Outcome::Yes)
}

impl From<SortKey> for cost::SortKey {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Graph => cost::SortKey::Graph,
            SortKey::Name => cost::SortKey::Name,
            SortKey::Op => cost::SortKey::Op,
            SortKey::Parameters => cost::SortKey::Parameters,
            SortKey::Macs => cost::SortKey::Macs,
            SortKey::Output => cost::SortKey::Output,
        }
    }
}

fn shape(dims: Option<&[usize]>) -> String {
    dims.map_or("?".into(), format::shape)
}

fn rows(inspection: &Inspection) -> String {
    let Totals {
        parameters, macs, ..
    } = inspection.totals;
    let figures = |own: (u64, u64)| {
        let (own_parameters, own_macs) = own;
        let number = |value| match value {
            0 => String::new(),
            value => format::count(value),
        };
        [
            number(own_parameters),
            format::share(own_parameters, parameters),
            number(own_macs),
            format::share(own_macs, macs),
        ]
    };
    let (name, kind) = match inspection.groups {
        Some(_) => ("block", "nodes"),
        None => ("node", "op"),
    };
    let mut shown = table(&[name, kind, "output", "parameters", "", "MACs", ""]);
    // Figures are read from the right.
    for column in 3..7 {
        if let Some(column) = shown.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let mut hidden = 0;
    match &inspection.groups {
        Some(groups) => {
            for group in groups {
                let names = [
                    group.name.clone(),
                    group.nodes.to_string(),
                    shape(group.output_shape.as_deref()),
                ];
                shown.add_row(
                    names
                        .into_iter()
                        .chain(figures((group.parameters, group.macs))),
                );
            }
        }
        None => {
            for (node, _) in inspection
                .nodes
                .iter()
                .zip(&inspection.folded)
                .filter(|(_, folded)| !**folded)
            {
                let names = [
                    node.name.clone(),
                    node.op.clone(),
                    shape(node.output_shape.as_deref()),
                ];
                shown.add_row(
                    names
                        .into_iter()
                        .chain(figures((node.parameters, node.macs))),
                );
            }
            hidden = inspection.folded.iter().filter(|folded| **folded).count();
        }
    }
    match hidden {
        0 => shown.to_string(),
        1 => format!("{shown}\n1 node of shape arithmetic, done before the run, is not shown"),
        count => {
            format!(
                "{shown}\n{count} nodes of shape arithmetic, done before the run, are not shown"
            )
        }
    }
}

fn totals(inspection: &Inspection) -> String {
    let mut totals = table(&["model", ""]);
    let mut row = |name: &str, value: String| {
        totals.add_row([name.to_owned(), value]);
    };
    let memory = &inspection.memory;
    row(
        "trainable parameters",
        format::count(inspection.totals.parameters),
    );
    row("MACs", format::count(inspection.totals.macs));
    row("weights", format::bytes(inspection.totals.weight_bytes));
    row(
        "activations, each on its own",
        format::bytes(memory.naive_bytes),
    );
    row(
        "activations, lower bound",
        format::bytes(memory.lower_bound_bytes),
    );
    row(
        "activations, in place",
        format::bytes(memory.in_place_bound_bytes),
    );
    row(
        "activations, planned arena",
        format::bytes(memory.arena_bytes),
    );
    row("opset", inspection.opset.to_string());
    if !inspection.producer.is_empty() {
        row("producer", inspection.producer.clone());
    }
    if let Some(preprocessing) = &inspection.preprocessing {
        row("preprocessing", preprocessing.to_string());
    }
    if let Some(labels) = &inspection.labels {
        row("labels", labels.join(", "));
    }
    // Preprocessing and labels have rows of their own.
    let shown = |key: &str| key.starts_with("edgefit.") || key == "labels";
    for (key, value) in inspection.metadata.iter().filter(|(key, _)| !shown(key)) {
        row(&format!("metadata '{key}'"), value.clone());
    }
    for unsupported in &inspection.unsupported {
        row(
            &format!("unsupported op {}", unsupported.op),
            format!(
                "×{} ({}): {}; needed by {}",
                unsupported.count,
                unsupported.reason,
                some(&unsupported.nodes),
                some(&unsupported.needed_by)
            ),
        );
    }
    totals.to_string()
}

/// The first few of `names`.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
