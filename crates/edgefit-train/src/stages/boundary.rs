//! Freeze boundaries: where a model is cut into a frozen part and one that is trained.

use edgefit_cost::Costs;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::rewrite::{Boundary, boundaries, extract};
use edgefit_graph::{Dim, Graph, ValueInfo};

use crate::error::{Error, Result};

/// Share of the multiply-accumulates that may lie behind the freeze boundary where the user names
/// none.
const TRAINED_SHARE: f64 = 0.2;

/// The two sides of a freeze boundary.
pub(crate) struct Frozen {
    /// Name of the node in front of the boundary.
    pub node: String,
    /// From the inputs to the boundary.
    pub prefix: Graph,
    /// From the boundary to the outputs.
    pub suffix: Graph,
}

/// Cuts `graph` behind the node `choice`, or where at most a fifth of the multiply-accumulates follow.
/// `None` if there is no such boundary in front of the features `head`.
///
/// # Errors
/// The graph cannot be cut behind that node; the error names nodes where it can.
pub(crate) fn freeze(
    graph: &Graph,
    choice: Option<&str>,
    head: &[String],
) -> Result<Option<Frozen>> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    let inference = infer(graph, &shapes)?;
    let costs = Costs::of(graph, &inference);
    let producer = |name: &String| {
        let made = |node: &edgefit_graph::Node| node.present_outputs().any(|output| output == name);
        graph.nodes.iter().position(made)
    };
    let first_head = head.iter().filter_map(producer).min();
    // A boundary behind the features is one of the head, and one at the features is the probe's.
    let places: Vec<Boundary> = boundaries(graph)
        .into_iter()
        .filter(|place| first_head.is_some_and(|head| place.node < head))
        .filter(|place| {
            inference
                .get(&place.value)
                .is_some_and(|ty| ty.dims.first() == Some(&1))
        })
        .collect();
    let chosen = match choice {
        Some(name) => {
            let at = |place: &&Boundary| graph.nodes[place.node].label() == name;
            Some(places.iter().find(at).ok_or_else(|| {
                let names = places.iter().rev().take(5);
                let names: Vec<&str> = names.map(|at| graph.nodes[at.node].label()).collect();
                Error::Stopped(format!(
                    "--freeze-to '{name}' is not a node behind which a single value carries everything; \
                     the last that are: {}",
                    names.join(", ")
                ))
            })?)
        }
        None => {
            let total = costs.totals.macs as f64;
            let behind = |place: &Boundary| {
                let nodes = &costs.nodes[place.node + 1..];
                nodes.iter().filter_map(|node| node.macs).sum::<u64>() as f64
            };
            places
                .iter()
                .find(|place| behind(place) <= TRAINED_SHARE * total)
        }
    };
    let Some(place) = chosen else {
        return Ok(None);
    };
    let dims = inference.known(&place.value)?.dims.iter().skip(1);
    let dims = std::iter::once(Dim::Symbol("batch".into())).chain(dims.map(|&dim| Dim::Known(dim)));
    let boundary = [ValueInfo::f32(&place.value, dims.collect())];
    Ok(Some(Frozen {
        node: graph.nodes[place.node].label().to_owned(),
        prefix: extract(graph, &graph.inputs, &boundary)?,
        suffix: extract(graph, &boundary, &graph.outputs)?,
    }))
}
