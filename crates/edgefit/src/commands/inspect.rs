use edgefit::cost::memory::MemoryPlan;
use edgefit::cost::{Costs, NodeCost, Totals};
use edgefit::graph::infer::infer;
use edgefit::graph::topology::outputs_behind;
use edgefit::graph::{Graph, Preprocessing, labels};
use serde::Serialize;

use super::{in_file, load};
use crate::cli::Inspect;
use crate::human;
use crate::output::{Outcome, Output, table};

#[derive(Serialize)]
struct Inspected {
    totals: Totals,
    memory: MemoryPlan,
    nodes: Vec<NodeCost>,
    unsupported: Vec<Unsupported>,
    preprocessing: Option<Preprocessing>,
    labels: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Unsupported {
    op: String,
    count: usize,
    nodes: Vec<String>,
    needed_by: Vec<String>,
}

pub fn run(args: Inspect, output: &mut Output) -> anyhow::Result<Outcome> {
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let inference = infer(&graph, &shapes).map_err(in_file(&args.model))?;
    let costs = Costs::of(&graph, &inference);
    let unsupported = inference
        .unsupported
        .iter()
        .map(|unsupported| Unsupported {
            op: unsupported.op.clone(),
            count: unsupported.nodes.len(),
            needed_by: outputs_behind(&graph, &unsupported.nodes),
            nodes: unsupported.nodes.clone(),
        })
        .collect();
    let inspected = Inspected {
        totals: costs.totals,
        memory: MemoryPlan::of(&graph, &inference, None),
        nodes: costs.nodes,
        unsupported,
        preprocessing: Preprocessing::of(&graph).map_err(in_file(&args.model))?,
        labels: labels::of(&graph).map_err(in_file(&args.model))?,
    };
    output.result("edgefit.inspect/1", &inspected, || {
        people(&graph, &inspected)
    })?;
    Ok(Outcome::Yes)
}

fn people(graph: &Graph, inspected: &Inspected) -> String {
    let mut nodes = table(&["node", "op", "output", "parameters", "MACs"]);
    for node in &inspected.nodes {
        let shape = node
            .output_shape
            .as_deref()
            .map_or("?".into(), human::shape);
        nodes.add_row([
            node.name.clone(),
            node.op.clone(),
            shape,
            human::count(node.parameters),
            human::count(node.macs),
        ]);
    }
    let mut totals = table(&["model", ""]);
    let mut row = |name: &str, value: String| {
        totals.add_row([name.to_owned(), value]);
    };
    row(
        "trainable parameters",
        human::count(inspected.totals.parameters),
    );
    row("MACs", human::count(inspected.totals.macs));
    row("weights", human::bytes(inspected.totals.weight_bytes));
    row(
        "activations, each on its own",
        human::bytes(inspected.memory.naive_bytes),
    );
    row(
        "activations, lower bound",
        human::bytes(inspected.memory.lower_bound_bytes),
    );
    row(
        "activations, in place",
        human::bytes(inspected.memory.in_place_bound_bytes),
    );
    row(
        "activations, planned arena",
        human::bytes(inspected.memory.arena_bytes),
    );
    row("opset", graph.opset().to_string());
    if let Some(preprocessing) = &inspected.preprocessing {
        row("preprocessing", preprocessing.to_string());
    }
    if let Some(labels) = &inspected.labels {
        row("labels", labels.join(", "));
    }
    for unsupported in &inspected.unsupported {
        row(
            &format!("unsupported op {}", unsupported.op),
            format!("×{}: {}", unsupported.count, unsupported.nodes.join(", ")),
        );
    }
    format!("{nodes}\n{totals}")
}
