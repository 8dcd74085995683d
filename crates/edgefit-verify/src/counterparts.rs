//! Which nodes of two models correspond, by the names of their values or by where they stand.

use std::collections::{BTreeMap, HashMap, HashSet};

use edgefit_graph::Graph;
use edgefit_graph::rewrite::rename_all;
use serde::Serialize;

use crate::structure::structure;

/// Share of the nodes that has to correspond.
const ENOUGH: f64 = 0.5;

/// How the nodes of two models were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// By the names of what they make.
    Names,
    /// By their ops, and what they read.
    Structure,
    /// Too few could be matched for a node to be named.
    Nothing,
}

/// How many nodes of two models correspond; those that only rename, reshape or quantise do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counterparts {
    /// How they were matched.
    pub by: MatchedBy,
    /// Nodes of the model that have a counterpart.
    pub matched: usize,
    /// Nodes of the model.
    pub model: usize,
    /// Nodes of the other.
    pub other: usize,
    /// Whether the layers have the same weights' sizes in both.
    pub same_layers: bool,
}

impl Counterparts {
    /// Whether the two are versions of one network.
    pub fn same_network(&self) -> bool {
        self.same_layers && self.by != MatchedBy::Nothing
    }

    /// Whether enough nodes correspond for one to be named as the first to differ.
    pub fn can_tell(&self) -> bool {
        self.by != MatchedBy::Nothing
    }
}

/// Names the inner values of `other` as those of `model` that they correspond to, and all others as none of
/// the model's.
pub(crate) fn match_values(model: &Graph, mut other: Graph) -> (Graph, Counterparts) {
    let (of_model, of_other) = (makers(model), makers(&other));
    let same_layers = match (layers(model), layers(&other)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let found = |by, matched| Counterparts {
        by,
        matched,
        model: of_model.len(),
        other: of_other.len(),
        same_layers,
    };
    let enough = |matched: usize| {
        let all = of_model.len() + of_other.len();
        all == 0 || 2.0 * matched as f64 >= ENOUGH * all as f64
    };
    let named = |alike: fn(&str, &str) -> bool| {
        let values = of_model.iter();
        values
            .filter(|(name, op)| of_other.get(*name).is_some_and(|other| alike(op, other)))
            .count()
    };
    let (by_name, by_name_and_op) = (named(akin), named(|a, b| a == b));
    let names = structure(model, &other);
    let by_structure = of_other
        .keys()
        .filter(|name| names.contains_key(**name))
        .count();
    let counterparts = if by_structure > by_name_and_op && enough(by_structure) {
        found(MatchedBy::Structure, by_structure)
    } else if enough(by_name) {
        found(MatchedBy::Names, by_name)
    } else {
        found(MatchedBy::Nothing, by_name.max(by_structure))
    };
    if counterparts.by != MatchedBy::Names {
        let names = match counterparts.by {
            MatchedBy::Structure => names,
            _ => HashMap::new(),
        };
        let new = apart(model, &other, names);
        rename_all(&mut other, &new);
    }
    (other, counterparts)
}

/// What makes each value of `graph` that counts, by the value's name.
fn makers(graph: &Graph) -> HashMap<&str, &str> {
    const UNCOUNTED: [&str; 14] = [
        "Constant",
        "Identity",
        "Dropout",
        "Cast",
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "Shape",
        "Gather",
        "Unsqueeze",
        "Squeeze",
        "Reshape",
        "Flatten",
        "Transpose",
    ];
    let nodes = graph.nodes.iter();
    let counted = nodes.filter(|node| !UNCOUNTED.contains(&node.op.as_str()));
    counted
        .filter_map(|node| Some((node.outputs.first()?.as_str(), node.op.as_str())))
        .collect()
}

/// Whether two ops may make the same value, one of them fused or quantised.
fn akin(a: &str, b: &str) -> bool {
    let linear = |op: &str| {
        matches!(
            op,
            "Conv" | "Gemm" | "MatMul" | "Add" | "BatchNormalization" | "Relu" | "Clip"
        ) || op.ends_with("Integer")
    };
    let plain = |op: &str| op.strip_prefix("QLinear").unwrap_or(op).to_owned();
    let (a, b) = (plain(a), plain(b));
    a == b || (linear(&a) && linear(&b))
}

/// How many layers have weights of each size; `None` if a weight is computed.
fn layers(graph: &Graph) -> Option<BTreeMap<Vec<usize>, usize>> {
    let mut sizes = BTreeMap::new();
    let layers = graph.nodes.iter();
    let layers =
        layers.filter(|node| matches!(node.op.as_str(), "Conv" | "ConvTranspose" | "Gemm"));
    for layer in layers {
        let weight = graph.initializers.get(layer.input(1)?)?;
        let mut dims = weight.dims().to_vec();
        // A Gemm may store it either way round.
        dims.sort_unstable();
        *sizes.entry(dims).or_default() += 1;
    }
    Some(sizes)
}

/// New names for the values of `other`: those of `names`, and for the other inner values some that the
/// model does not have.
fn apart(
    model: &Graph,
    other: &Graph,
    mut names: HashMap<String, String>,
) -> HashMap<String, String> {
    let inner = |graph: &Graph| -> HashSet<String> {
        let made = graph
            .nodes
            .iter()
            .flat_map(|node| node.outputs.iter().cloned());
        made.chain(graph.initializers.keys().cloned())
            .filter(|name| !name.is_empty())
            .collect()
    };
    let mut taken = inner(model);
    taken.extend(inner(other));
    let outputs: HashSet<&str> = other
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    let of_other = inner(other);
    for name in of_other
        .iter()
        .filter(|name| !outputs.contains(name.as_str()))
    {
        if !names.contains_key(name) {
            let mut free = format!("against/{name}");
            while !taken.insert(free.clone()) {
                free.push('_');
            }
            names.insert(name.clone(), free);
        }
    }
    names.retain(|name, _| !outputs.contains(name.as_str()));
    names
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};

    use super::*;

    /// x → as many times: times a weight, rectified → y, the values called `name` and a number.
    fn network(name: &str, widths: &[usize]) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = |size: usize| vec![Dim::Symbol("n".into()), Dim::Known(size)];
        graph.inputs.push(ValueInfo::f32("x", dims(2)));
        graph
            .outputs
            .push(ValueInfo::f32("y", dims(widths[widths.len() - 1])));
        let (mut at, mut before) = ("x".to_owned(), 2);
        for (number, &width) in widths.iter().enumerate() {
            let of = |what: &str| format!("{name}{what}{number}");
            let weight = Tensor::from_values(vec![width, before], &vec![0.5f32; width * before]);
            graph.initializers.insert(of("w"), weight);
            let fc = Node::new("Gemm", &of("fc"), &[&at, &of("w")], &[&of("fc")]);
            graph.nodes.push(fc.with("transB", Attribute::Int(1)));
            let end = if number + 1 == widths.len() {
                "y".into()
            } else {
                of("r")
            };
            graph
                .nodes
                .push(Node::new("Relu", &of("relu"), &[&of("fc")], &[&end]));
            (at, before) = (end, width);
        }
        graph
    }

    #[test]
    fn the_same_names_are_believed_and_others_matched_by_where_they_stand() {
        let model = network("a", &[3, 4]);
        let (same, found) = match_values(&model, model.clone());
        assert_eq!(
            (found.by, found.matched, found.other),
            (MatchedBy::Names, 4, 4)
        );
        assert_eq!(same, model);

        let (renamed, found) = match_values(&model, network("b", &[3, 4]));
        assert_eq!((found.by, found.matched), (MatchedBy::Structure, 4));
        renamed.check().unwrap();
        let values = |graph: &Graph| -> Vec<String> {
            graph
                .nodes
                .iter()
                .flat_map(|node| node.outputs.clone())
                .collect()
        };
        assert_eq!(values(&renamed), values(&model));
        assert!(found.same_network());
    }

    #[test]
    fn names_that_are_numbered_anew_do_not_mislead() {
        // What is called as another value of the model is not that value.
        let model = network("", &[3, 3, 3]);
        let mut shifted = network("", &[3, 3, 3]);
        let to = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let names = [
            to("fc0", "r0"),
            to("r0", "fc1"),
            to("fc1", "r1"),
            to("r1", "fc0"),
        ];
        rename_all(&mut shifted, &names.into_iter().collect());
        let (back, found) = match_values(&model, shifted);
        assert_eq!((found.by, found.matched), (MatchedBy::Structure, 6));
        assert_eq!(back.nodes[0].outputs, ["fc0"]);
        assert_eq!(back.nodes[1].outputs, ["r0"]);
    }

    #[test]
    fn two_networks_are_called_so() {
        let model = network("a", &[3, 4, 5, 6, 5]);
        let mut other = network("b", &[5]);
        other.nodes[1].op = "Sigmoid".into();
        other.nodes[0].op = "MatMul".into();
        let (other, found) = match_values(&model, other);
        assert_eq!(found.by, MatchedBy::Nothing);
        assert!(!found.can_tell() && !found.same_network());
        other.check().unwrap();
        let wider = match_values(&model, network("a", &[3, 4, 7, 6, 5])).1;
        assert!(wider.can_tell() && !wider.same_network(), "{wider:?}");
    }
}
