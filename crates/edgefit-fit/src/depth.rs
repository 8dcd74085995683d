//! The depths of a network: where it can be cut, and what is left of it there.

use std::collections::HashSet;

use edgefit_cost::Costs;
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::{Binary, Op};
use edgefit_graph::rewrite::{boundaries, extract};
use edgefit_graph::{Attribute, Dim, FreshNames, Graph, Node, Tensor, ValueInfo};

use crate::error::{Error, Result};

/// A place behind which a network can end in a linear layer on what it makes there, averaged over all
/// positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Label of the last node that is kept; `None` for the whole network with its own head.
    pub cut: Option<String>,
    /// The values that the layer reads.
    pub features: Vec<Feature>,
    /// Multiply-accumulates up to there.
    pub macs: u64,
}

/// A value that a linear layer reads, averaged over all positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub value: String,
    /// Shape of one sample.
    pub dims: Vec<usize>,
    /// Which of the dimensions is the channels.
    pub axis: usize,
}

impl Feature {
    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.dims[self.axis]
    }

    fn declared(&self) -> ValueInfo {
        declared(&self.value, &self.dims)
    }
}

/// The depths of `graph` from the shallowest, the whole network last. `head` is what its own head reads.
///
/// A cut is a value that alone carries everything that follows (a freeze boundary). Of several with the
/// same multiply-accumulates in front of them, as before and behind an activation, the last one counts; those
/// as deep as the head are the whole network.
///
/// # Errors
/// The shapes of the network do not go together.
pub fn depths(graph: &Graph, head: &[ValueInfo]) -> Result<Vec<Depth>> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    let inference = infer(graph, &shapes)?;
    let costs = Costs::of(graph, &inference);
    let channels_last = channels_last(graph, &inference);
    let feature = |value: &str| {
        let dims = &inference.get(value)?.dims;
        feature(graph, dims, value, channels_last.contains(value))
    };
    let producer = |name: &str| {
        let made = |node: &Node| node.present_outputs().any(|output| output == name);
        graph.nodes.iter().position(made)
    };
    let last = head.iter().filter_map(|value| producer(&value.name)).max();
    let end = last.map_or(0, |last| last + 1);
    let macs = |nodes: usize| -> u64 {
        let nodes = &costs.nodes[..nodes];
        nodes.iter().filter_map(|node| node.macs).sum()
    };
    let total = macs(end);
    let mut depths: Vec<Depth> = Vec::new();
    for place in boundaries(graph) {
        let before = macs(place.node + 1);
        let is_between = before > 0 && before < total && place.node < end;
        let (Some(feature), true) = (feature(&place.value), is_between) else {
            continue;
        };
        if depths.last().is_some_and(|depth| depth.macs == before) {
            depths.pop();
        }
        depths.push(Depth {
            cut: Some(graph.nodes[place.node].label().to_owned()),
            features: vec![feature],
            macs: before,
        });
    }
    depths.push(Depth {
        cut: None,
        features: head
            .iter()
            .filter_map(|value| feature(&value.name))
            .collect(),
        macs: total,
    });
    Ok(depths)
}

/// Values whose last dimension is the channels: what is normalised over it or multiplied by a weight along it, what
/// that makes, and sums with that.
fn channels_last<'g>(graph: &'g Graph, inference: &Inference) -> HashSet<&'g str> {
    let mut found = HashSet::new();
    for (node, op) in graph.nodes.iter().zip(&inference.ops) {
        let (Some(op), Some(data)) = (op, node.input(0)) else {
            continue;
        };
        let is_last = match op {
            Op::LayerNormalization(norm) => inference.get(data).is_some_and(|data| {
                let rank = data.dims.len();
                norm.axis(rank).is_ok_and(|axis| axis + 1 == rank)
            }),
            Op::MatMul(_) => node
                .input(1)
                .is_some_and(|weight| graph.initializers.contains_key(weight)),
            _ => false,
        };
        if is_last {
            found.insert(data);
        }
        let is_sum = matches!(op, Op::Binary(Binary::Add));
        if is_last || is_sum && node.present_inputs().any(|input| found.contains(input)) {
            found.extend(node.present_outputs());
        }
    }
    found
}

/// A value of these dimensions as a linear layer can read it; `None` where the first is no batch, or nothing says
/// which are its channels.
fn feature(graph: &Graph, dims: &[usize], value: &str, is_channels_last: bool) -> Option<Feature> {
    let [1, dims @ ..] = dims else {
        return None;
    };
    let images = graph
        .free_inputs()
        .any(|input| input.dims().is_some_and(|dims| dims.len() == 4));
    let axis = match dims.len() {
        3 if is_channels_last => 2,
        1 | 3 => 0,
        // Tokens × channels in a network of images, channels × time in one of series.
        2 => usize::from(images),
        _ => return None,
    };
    Some(Feature {
        value: value.to_owned(),
        dims: dims.to_vec(),
        axis,
    })
}

/// The part of `graph` that makes the features of `depths`, averaged over all positions: an output of samples
/// × channels for each value, in their order.
///
/// # Errors
/// The graph cannot be cut there.
pub fn pooled(graph: &Graph, depths: &[&Depth]) -> Result<Graph> {
    let features = || depths.iter().flat_map(|depth| &depth.features);
    let ends: Vec<ValueInfo> = features().map(Feature::declared).collect();
    let mut part = extract(graph, &graph.inputs, &ends)?;
    let mut names = FreshNames::of(&part);
    part.outputs.clear();
    for feature in features() {
        let pooled = pool(&mut part, &mut names, feature);
        part.outputs.push(declared(&pooled, &[feature.channels()]));
    }
    Ok(part)
}

/// The network of `depth` with an untrained linear layer for `classes` classes.
///
/// # Errors
/// As [`pooled`].
pub fn network(graph: &Graph, depth: &Depth, classes: usize) -> Result<Graph> {
    let (Some(_), [feature]) = (&depth.cut, depth.features.as_slice()) else {
        return Ok(graph.clone());
    };
    let mut part = extract(graph, &graph.inputs, &[feature.declared()])?;
    let mut names = FreshNames::of(&part);
    let pooled = pool(&mut part, &mut names, feature);
    Ok(with_head(part, &pooled, feature.channels(), classes))
}

/// `part`, which makes the row `features` of `channels` values for each sample, with an untrained linear layer
/// behind it.
pub fn with_head(mut part: Graph, features: &str, channels: usize, classes: usize) -> Graph {
    let mut names = FreshNames::of(&part);
    let [weight, bias, logits] =
        ["classifier.weight", "classifier.bias", "logits"].map(|name| names.take(name));
    let values = vec![0f32; classes * channels];
    let tensor = Tensor::from_values(vec![classes, channels], &values);
    part.initializers.insert(weight.clone(), tensor);
    let tensor = Tensor::from_values(vec![classes], &vec![0f32; classes]);
    part.initializers.insert(bias.clone(), tensor);
    let node = Node::new(
        "Gemm",
        &names.take("classifier"),
        &[features, &weight, &bias],
        &[&logits],
    );
    part.nodes.push(node.with("transB", Attribute::Int(1)));
    part.outputs = vec![declared(&logits, &[classes])];
    part
}

/// What [`with_head`] put a layer behind to make `network`.
///
/// # Errors
/// It ends in no such layer.
pub fn without_head(network: &Graph) -> Result<Graph> {
    let makes = |node: &&Node| {
        let mut made = node.present_outputs();
        made.any(|value| network.outputs.iter().any(|output| output.name == value))
    };
    let features = network.nodes.iter().find(makes).and_then(|layer| {
        let weight = network.initializers.get(layer.input(1)?)?;
        let channels = *weight.dims().get(1)?;
        Some(declared(layer.input(0)?, &[channels]))
    });
    let Some(features) = features else {
        return Err(Error::Choice(
            "it ends in no layer for the classes".to_owned(),
        ));
    };
    Ok(extract(network, &network.inputs, &[features])?)
}

/// Appends what averages a feature over all positions; the name of the result.
fn pool(graph: &mut Graph, names: &mut FreshNames, feature: &Feature) -> String {
    let mut made = feature.value.clone();
    if feature.dims.len() == 1 {
        return made;
    }
    // Flatten keeps the batch and makes one dimension of all others by default.
    let rank = feature.dims.len() as i64;
    let channels_first: Vec<i64> = [0, rank].into_iter().chain(1..rank).collect();
    let channels_first =
        Node::new("Transpose", "", &[], &[]).with("perm", Attribute::Ints(channels_first));
    let chain = (feature.axis > 0).then_some(channels_first);
    let pooling = ["GlobalAveragePool", "Flatten"].map(|op| Node::new(op, "", &[], &[]));
    for mut node in chain.into_iter().chain(pooling) {
        node.name = names.take("pool");
        node.inputs = vec![made];
        made = names.take("pooled");
        node.outputs = vec![made.clone()];
        graph.nodes.push(node);
    }
    made
}

fn declared(name: &str, dims: &[usize]) -> ValueInfo {
    let batch = std::iter::once(Dim::Symbol("batch".into()));
    ValueInfo::f32(
        name,
        batch
            .chain(dims.iter().map(|&dim| Dim::Known(dim)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x → conv → relu → conv, and around it → add → global average → flatten → gemm.
    fn residual() -> (Graph, Vec<ValueInfo>) {
        let mut graph = Graph::new("residual", 17);
        graph.inputs.push(declared("x", &[3, 8, 8]));
        graph.outputs.push(ValueInfo::float("logits"));
        for (name, dims) in [
            ("first.w", vec![4, 3, 1, 1]),
            ("second.w", vec![4, 4, 1, 1]),
            ("head.w", vec![10, 4]),
        ] {
            let values = vec![1f32; dims.iter().product()];
            let tensor = Tensor::from_values(dims, &values);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = vec![
            Node::new("Conv", "first", &["x", "first.w"], &["a"]),
            Node::new("Relu", "act", &["a"], &["b"]),
            Node::new("Conv", "second", &["b", "second.w"], &["c"]),
            Node::new("Add", "skip", &["c", "b"], &["d"]),
            Node::new("GlobalAveragePool", "average", &["d"], &["e"]),
            Node::new("Flatten", "flat", &["e"], &["f"]),
            Node::new("Gemm", "head", &["f", "head.w"], &["logits"])
                .with("transB", Attribute::Int(1)),
        ];
        (graph, vec![declared("f", &[4])])
    }

    #[test]
    fn a_depth_ends_behind_the_activation_and_the_last_is_the_whole() {
        let (graph, head) = residual();
        let found = depths(&graph, &head).unwrap();
        let cuts: Vec<Option<&str>> = found.iter().map(|depth| depth.cut.as_deref()).collect();
        // Behind the second convolution only the sum carries everything, and that is what the head averages.
        assert_eq!(cuts, [Some("act"), None]);
        assert_eq!(found[0].macs, 3 * 4 * 64);
        assert_eq!(found[1].macs, (3 * 4 + 4 * 4) * 64);
    }

    #[test]
    fn all_depths_come_out_of_one_graph_and_each_as_a_network_of_its_own() {
        let (graph, head) = residual();
        let found = depths(&graph, &head).unwrap();
        let dims = |graph: &Graph| -> Vec<Vec<usize>> {
            let shapes = InputShapes::bind(graph, 2, None).unwrap();
            let inference = infer(graph, &shapes).unwrap();
            let outputs = graph.outputs.iter();
            outputs
                .map(|output| inference.get(&output.name).unwrap().dims.clone())
                .collect()
        };
        let all: Vec<&Depth> = found.iter().collect();
        assert_eq!(dims(&pooled(&graph, &all).unwrap()), [[2, 4], [2, 4]]);
        let cut = network(&graph, &found[0], 5).unwrap();
        assert_eq!(dims(&cut), [[2, 5]]);
        assert!(cut.nodes.iter().all(|node| node.name != "second"));
        // The whole network keeps its own head.
        assert_eq!(network(&graph, &found[1], 5).unwrap(), graph);
    }

    #[test]
    fn where_channels_come_last_the_average_is_over_the_positions_in_front_of_them() {
        let mut graph = Graph::new("channels last", 17);
        graph.inputs.push(declared("x", &[3, 8, 8]));
        graph.outputs.push(ValueInfo::float("logits"));
        for (name, dims) in [
            ("stem.w", vec![4, 3, 1, 1]),
            ("norm.scale", vec![4]),
            ("mix.w", vec![4, 4]),
            ("last.w", vec![4, 4]),
            ("head.w", vec![10, 4]),
        ] {
            let values = vec![1f32; dims.iter().product()];
            let tensor = Tensor::from_values(dims, &values);
            graph.initializers.insert(name.into(), tensor);
        }
        let moved = |name: &str, value: [&str; 2], perm: [i64; 4]| {
            let node = Node::new("Transpose", name, &value[..1], &value[1..]);
            node.with("perm", Attribute::Ints(perm.to_vec()))
        };
        graph.nodes = vec![
            Node::new("Conv", "stem", &["x", "stem.w"], &["a"]),
            moved("to_last", ["a", "b"], [0, 2, 3, 1]),
            Node::new("LayerNormalization", "norm", &["b", "norm.scale"], &["c"]),
            Node::new("MatMul", "mix", &["c", "mix.w"], &["d"]),
            Node::new("Add", "skip", &["b", "d"], &["e"]),
            Node::new("MatMul", "last", &["e", "last.w"], &["f"]),
            moved("to_first", ["f", "g"], [0, 3, 1, 2]),
            Node::new("GlobalAveragePool", "average", &["g"], &["h"]),
            Node::new("Flatten", "flat", &["h"], &["i"]),
            Node::new("Gemm", "head", &["i", "head.w"], &["logits"])
                .with("transB", Attribute::Int(1)),
        ];
        let found = depths(&graph, &[declared("i", &[4])]).unwrap();
        let features: Vec<(&str, usize)> = found
            .iter()
            .map(|depth| (depth.features[0].value.as_str(), depth.features[0].axis))
            .collect();
        assert_eq!(features, [("b", 2), ("e", 2), ("i", 0)]);
        let pooled = pooled(&graph, &found.iter().collect::<Vec<_>>()).unwrap();
        let inference = infer(&pooled, &InputShapes::bind(&pooled, 2, None).unwrap()).unwrap();
        for output in &pooled.outputs {
            assert_eq!(inference.get(&output.name).unwrap().dims, [2, 4]);
        }
    }
}
