//! What a model is and costs.

use edgefit_base::units::format;
use edgefit_cost::{Inspection, Totals};

use crate::report::quantized;
use crate::report::shorten::{MOST_NAMES, first_of, shortened};
use crate::table::table;

const MOST_LABELS: usize = 20;

/// A row a node or a block, and the figures of the whole model.
pub fn inspection(inspection: &Inspection) -> String {
    let quantized = quantized::text(inspection);
    format!("{}\n{}{quantized}", rows(inspection), totals(inspection))
}

fn shape(dims: Option<&[usize]>) -> String {
    dims.map_or("unknown".into(), format::shape)
}

fn rows(inspection: &Inspection) -> String {
    let Totals {
        parameters, macs, ..
    } = inspection.totals;
    let figures = |own: (u64, Option<u64>)| {
        let (own_parameters, own_macs) = own;
        let number = |value| match value {
            0 => String::new(),
            value => format::count(value),
        };
        [
            number(own_parameters),
            format::share(own_parameters, parameters),
            own_macs.map_or("unknown".into(), number),
            format::share(own_macs.unwrap_or(0), macs),
        ]
    };
    let (name, kind) = match inspection.groups {
        Some(_) => ("block", "nodes"),
        None => ("node", "op"),
    };
    let mut shown = table(&[name, kind, "output", "parameters", "", "MACs", ""]);
    // Figures are read from the right.
    shown.align_right(3..7);
    // Shares of the totals.
    shown.spare([4, 6]);
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
    let unknown = inspection.totals.unknown_macs;
    let macs = format::count(inspection.totals.macs);
    row(
        "MACs",
        match (unknown, inspection.totals.macs) {
            (0, _) => macs + &quantized::macs_by_type(inspection),
            (_, 0) => "unknown".into(),
            (1, _) => format!("{macs} and those of 1 node, which are unknown"),
            _ => format!("{macs} and those of {unknown} nodes, which are unknown"),
        },
    );
    // What has no shape has no size.
    let sizeless = inspection
        .nodes
        .iter()
        .any(|node| node.output_shape.is_none());
    let activations = |bytes: u64| match (sizeless, bytes) {
        (false, _) => format::bytes(bytes),
        (true, 0) => "unknown".into(),
        (true, _) => format!("{}, without those of unknown shape", format::bytes(bytes)),
    };
    let weights = format::bytes(inspection.totals.weight_bytes);
    row("weights", weights + &quantized::by_type(inspection));
    if let Some(unused) = quantized::unused(inspection) {
        row("unused constants", unused);
    }
    row(
        "activations, each on its own",
        activations(memory.naive_bytes),
    );
    row(
        "activations, lower bound",
        activations(memory.lower_bound_bytes),
    );
    row(
        "activations, in place",
        activations(memory.in_place_bound_bytes),
    );
    row(
        "activations, planned arena",
        activations(memory.arena_bytes),
    );
    row("opset", inspection.opset.to_string());
    if !inspection.producer.is_empty() {
        row("producer", inspection.producer.clone());
    }
    if let Some(preprocessing) = &inspection.preprocessing {
        row("preprocessing", preprocessing.to_string());
    }
    if let Some(labels) = &inspection.labels {
        row("labels", first_of(labels, MOST_LABELS));
    }
    // Preprocessing and labels have rows of their own.
    let shown = |key: &str| key.starts_with("edgefit.") || key == "labels";
    for (key, value) in inspection.metadata.iter().filter(|(key, _)| !shown(key)) {
        row(&format!("metadata '{key}'"), shortened(value));
    }
    for unsupported in &inspection.unsupported {
        row(
            &format!("unsupported op {}", unsupported.op),
            format!(
                "×{} ({}): {}; needed by {}",
                unsupported.count,
                unsupported.reason,
                first_of(&unsupported.nodes, MOST_NAMES),
                first_of(&unsupported.needed_by, MOST_NAMES)
            ),
        );
    }
    totals.to_string()
}
