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

/// Cuts `graph` behind the node `choice`, or where at most a fifth of the multiply-accumulates follow; where more would,
/// behind the last boundary that a layer of the backbone follows. `None` if there is no such boundary in front of the
/// features `head`.
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
            // The head alone is what stage probe trains.
            let before_head = first_head.map_or(0, |head| head + 1);
            let trains_more = |place: &&Boundary| {
                let mut nodes = costs.nodes[place.node + 1..before_head].iter();
                nodes.any(|node| node.parameters > 0 && node.macs.is_some_and(|macs| macs > 0))
            };
            let small = places
                .iter()
                .find(|place| behind(place) <= TRAINED_SHARE * total);
            match small {
                Some(place) if !trains_more(&place) => places.iter().rfind(trains_more).or(small),
                _ => small,
            }
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

#[cfg(test)]
mod tests {
    use edgefit_graph::{Node, Tensor};

    use super::*;

    #[test]
    fn a_layer_in_front_of_the_head_is_trained_however_large_it_is() {
        let mut graph = Graph::new("small", 17);
        graph
            .inputs
            .push(ValueInfo::f32("x", [1, 4, 8, 8].map(Dim::Known).into()));
        graph
            .outputs
            .push(ValueInfo::f32("y", [1, 2].map(Dim::Known).into()));
        for (name, dims) in [
            ("k", vec![4, 4, 1, 1]),
            ("l", vec![4, 4, 1, 1]),
            ("w", vec![4, 2]),
        ] {
            let values = vec![0.5f32; dims.iter().product()];
            graph
                .initializers
                .insert(name.into(), Tensor::from_values(dims, &values));
        }
        graph.nodes = vec![
            Node::new("Conv", "first", &["x", "k"], &["a"]),
            Node::new("Relu", "relu", &["a"], &["b"]),
            Node::new("Conv", "last", &["b", "l"], &["c"]),
            Node::new("Relu", "again", &["c"], &["d"]),
            Node::new("GlobalAveragePool", "pool", &["d"], &["e"]),
            Node::new("Flatten", "flatten", &["e"], &["f"]),
            Node::new("MatMul", "head", &["f", "w"], &["y"]),
        ];
        let frozen = freeze(&graph, None, &["f".to_owned()]).unwrap().unwrap();
        assert_eq!(frozen.node, "relu");
        assert!(frozen.suffix.initializers.contains_key("l"));
    }
}
