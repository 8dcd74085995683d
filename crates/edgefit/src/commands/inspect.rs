use edgefit::cost::memory::{ElementType, MemoryPlan};
use edgefit::cost::{Costs, NodeCost, Totals};
use edgefit::graph::infer::{Inference, infer};
use edgefit::graph::topology::outputs_behind;
use edgefit::graph::{Graph, Preprocessing, labels};
use indexmap::IndexMap;
use serde::Serialize;

use super::{block, diff, in_file, load};
use crate::cli::{Inspect, SortKey};
use crate::output::{Outcome, Output, table};
use edgefit::base::units::format;

#[derive(Serialize)]
struct Inspected {
    totals: Totals,
    memory: MemoryPlan,
    nodes: Vec<NodeCost>,
    /// Nodes summed up by the leading parts of their names, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<Group>>,
    unsupported: Vec<Unsupported>,
    preprocessing: Option<Preprocessing>,
    labels: Option<Vec<String>>,
    metadata: IndexMap<String, String>,
    opset: i64,
    producer: String,
}

#[derive(Serialize)]
struct Unsupported {
    op: String,
    count: usize,
    reason: String,
    nodes: Vec<String>,
    needed_by: Vec<String>,
}

/// Nodes of one name prefix.
#[derive(Serialize)]
struct Group {
    name: String,
    nodes: usize,
    /// Of the last of them.
    output_shape: Option<Vec<usize>>,
    parameters: u64,
    macs: u64,
    write_bytes: u64,
}

pub fn run(args: Inspect, output: &mut Output) -> anyhow::Result<Outcome> {
    if let Some(other) = &args.diff {
        return diff::run(&args.model, other, output);
    }
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let inference = infer(&graph, &shapes).map_err(in_file(&args.model))?;
    let costs = Costs::of(&graph, &inference);
    let mut nodes = costs.nodes;
    let memory = MemoryPlan::of(&graph, &inference, ElementType::AsStored);
    let folded = folded(&graph, &inference);
    let mut groups = args
        .depth
        .map(|depth| grouped(&nodes, &folded, depth as usize));
    if let Some(groups) = &mut groups {
        sort(groups, args.sort, |group| {
            (
                &group.name,
                "",
                group.parameters,
                group.macs,
                group.write_bytes,
            )
        });
    }
    // Whether a node is shape arithmetic goes with it through the sorting.
    let mut marked: Vec<(NodeCost, bool)> = nodes.drain(..).zip(folded).collect();
    sort(&mut marked, args.sort, |(node, _)| {
        (
            &node.name,
            &node.op,
            node.parameters,
            node.macs,
            node.write_bytes,
        )
    });
    let (nodes, folded): (Vec<NodeCost>, Vec<bool>) = marked.into_iter().unzip();

    let listed = inference.unsupported.iter();
    let behind = outputs_behind(&graph, listed.clone().map(|op| op.nodes.as_slice()));
    let unsupported = listed
        .zip(behind)
        .map(|(unsupported, needed_by)| Unsupported {
            op: unsupported.op.clone(),
            count: unsupported.nodes.len(),
            reason: unsupported.reason.to_string(),
            needed_by,
            nodes: unsupported.nodes.clone(),
        })
        .collect();
    let inspected = Inspected {
        totals: costs.totals,
        memory,
        nodes,
        groups,
        unsupported,
        preprocessing: Preprocessing::of(&graph).map_err(in_file(&args.model))?,
        labels: labels::of(&graph).map_err(in_file(&args.model))?,
        metadata: graph.metadata.clone(),
        opset: graph.opset(),
        producer: format!("{} {}", graph.producer.0, graph.producer.1)
            .trim()
            .to_owned(),
    };
    if args.csv {
        output.text(&csv(&inspected)?)?;
        return Ok(Outcome::Yes);
    }
    output.result("edgefit.inspect/1", &inspected, || {
        format!("{}\n{}", rows(&inspected, &folded), totals(&inspected))
    })?;
    Ok(Outcome::Yes)
}

/// For each node, whether it is done before the model runs.
fn folded(graph: &Graph, inference: &Inference) -> Vec<bool> {
    let nodes = graph.nodes.iter();
    nodes
        .map(|node| node.present_outputs().all(|name| inference.is_folded(name)))
        .collect()
}

/// Sorts by what `figures` says: name, operator, parameters, MACs, bytes written.
fn sort<T>(rows: &mut [T], key: SortKey, figures: impl Fn(&T) -> (&str, &str, u64, u64, u64)) {
    use std::cmp::Reverse;
    match key {
        SortKey::Graph => {}
        SortKey::Name => rows.sort_by(|a, b| figures(a).0.cmp(figures(b).0)),
        SortKey::Op => rows.sort_by(|a, b| figures(a).1.cmp(figures(b).1)),
        SortKey::Parameters => rows.sort_by_key(|row| Reverse(figures(row).2)),
        SortKey::Macs => rows.sort_by_key(|row| Reverse(figures(row).3)),
        SortKey::Output => rows.sort_by_key(|row| Reverse(figures(row).4)),
    }
}

fn grouped(nodes: &[NodeCost], folded: &[bool], depth: usize) -> Vec<Group> {
    let mut groups: IndexMap<String, Group> = IndexMap::new();
    for (node, _) in nodes.iter().zip(folded).filter(|(_, folded)| !**folded) {
        let name = block(&node.name, depth);
        let group = groups.entry(name.clone()).or_insert_with(|| Group {
            name,
            nodes: 0,
            output_shape: None,
            parameters: 0,
            macs: 0,
            write_bytes: 0,
        });
        group.nodes += 1;
        group.output_shape.clone_from(&node.output_shape);
        group.parameters += node.parameters;
        group.macs = group.macs.saturating_add(node.macs);
        group.write_bytes = group.write_bytes.saturating_add(node.write_bytes);
    }
    groups.into_values().collect()
}

fn shape(dims: Option<&[usize]>) -> String {
    dims.map_or("?".into(), format::shape)
}

fn csv(inspected: &Inspected) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    match &inspected.groups {
        Some(groups) => {
            writer.write_record([
                "name",
                "nodes",
                "output_shape",
                "parameters",
                "macs",
                "write_bytes",
            ])?;
            for group in groups {
                writer.write_record([
                    group.name.clone(),
                    group.nodes.to_string(),
                    csv_shape(group.output_shape.as_deref()),
                    group.parameters.to_string(),
                    group.macs.to_string(),
                    group.write_bytes.to_string(),
                ])?;
            }
        }
        None => {
            writer.write_record([
                "name",
                "op",
                "output_shape",
                "parameters",
                "macs",
                "read_bytes",
                "write_bytes",
            ])?;
            for node in &inspected.nodes {
                writer.write_record([
                    node.name.clone(),
                    node.op.clone(),
                    csv_shape(node.output_shape.as_deref()),
                    node.parameters.to_string(),
                    node.macs.to_string(),
                    node.read_bytes.to_string(),
                    node.write_bytes.to_string(),
                ])?;
            }
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// A shape as `--input-shape` takes it.
fn csv_shape(dims: Option<&[usize]>) -> String {
    let sizes = dims.unwrap_or_default().iter().map(ToString::to_string);
    sizes.collect::<Vec<_>>().join("x")
}

fn rows(inspected: &Inspected, folded: &[bool]) -> String {
    let Totals {
        parameters, macs, ..
    } = inspected.totals;
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
    let (name, kind) = match inspected.groups {
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
    match &inspected.groups {
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
            for (node, _) in inspected
                .nodes
                .iter()
                .zip(folded)
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
            hidden = folded.iter().filter(|folded| **folded).count();
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

fn totals(inspected: &Inspected) -> String {
    let mut totals = table(&["model", ""]);
    let mut row = |name: &str, value: String| {
        totals.add_row([name.to_owned(), value]);
    };
    let memory = &inspected.memory;
    row(
        "trainable parameters",
        format::count(inspected.totals.parameters),
    );
    row("MACs", format::count(inspected.totals.macs));
    row("weights", format::bytes(inspected.totals.weight_bytes));
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
    row("opset", inspected.opset.to_string());
    if !inspected.producer.is_empty() {
        row("producer", inspected.producer.clone());
    }
    if let Some(preprocessing) = &inspected.preprocessing {
        row("preprocessing", preprocessing.to_string());
    }
    if let Some(labels) = &inspected.labels {
        row("labels", labels.join(", "));
    }
    // Preprocessing and labels have been told in words.
    let told = |key: &str| key.starts_with("edgefit.") || key == "labels";
    for (key, value) in inspected.metadata.iter().filter(|(key, _)| !told(key)) {
        row(&format!("metadata '{key}'"), value.clone());
    }
    for unsupported in &inspected.unsupported {
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
