//! Cross-layer equalisation: channels of two layers behind each other scaled so that both weights use their
//! single scale well (Nagel et al. 2019, arXiv 1906.04721, section 4.1).

use std::collections::BTreeMap;

use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Tensor};
use serde::Serialize;

use crate::channels::Channels;
use crate::error::Result;
use crate::nodes::{clip_limits, has_constant_weight, is_weighted};
use crate::observe::Observed;

/// Rounds over all pairs: in a chain each pair moves what the next one has.
const ROUNDS: usize = 20;

/// A factor that differs from 1 by less is none.
const LEAST_CHANGE: f64 = 1e-3;

/// How near to the limit of a Clip a channel counts as clipped.
const NEAR_LIMIT: f64 = 0.999;

/// Two layers that were equalised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Equalized {
    /// The first layer, whose output channels were scaled.
    pub first: String,
    /// The second layer, whose input channels were scaled back.
    pub second: String,
    /// Largest factor by which a channel was scaled, up or down.
    pub most: f64,
}

/// Two layers whose channels can be scaled against each other.
struct Pair {
    first: usize,
    second: usize,
    /// Result of a Clip between them, and its upper limit.
    clip: Option<(String, f32)>,
    /// What each channel was divided by so far.
    scales: Vec<f64>,
}

/// Equalises every pair of layers in `graph` that only activations and pooling lie between; what the
/// graph computes stays the same but for rounding. A channel that a Clip limits on the calibration samples
/// stays as it is, and no other is scaled beyond the limit.
pub(crate) fn equalize(
    graph: &mut Graph,
    observed: &BTreeMap<String, Observed>,
) -> Result<Vec<Equalized>> {
    let mut pairs = pairs(graph);
    for _ in 0..ROUNDS {
        let mut most: f64 = 0.0;
        for pair in &mut pairs {
            let factors = factors(graph, pair, observed)?;
            most = factors
                .iter()
                .map(|factor| factor.ln().abs())
                .fold(most, f64::max);
            scale(graph, pair, &factors)?;
            for (scale, factor) in pair.scales.iter_mut().zip(&factors) {
                *scale *= factor;
            }
        }
        if most < LEAST_CHANGE {
            break;
        }
    }
    let mut equalized: Vec<Equalized> = pairs
        .iter()
        .map(|pair| Equalized {
            first: graph.nodes[pair.first].label().to_owned(),
            second: graph.nodes[pair.second].label().to_owned(),
            most: pair
                .scales
                .iter()
                .map(|scale| scale.max(1.0 / scale))
                .fold(1.0, f64::max),
        })
        .filter(|pair| pair.most > 1.0 + LEAST_CHANGE)
        .collect();
    equalized.sort_by(|a, b| b.most.total_cmp(&a.most));
    Ok(equalized)
}

/// Every layer with its next one.
fn pairs(graph: &Graph) -> Vec<Pair> {
    let topology = Topology::of(graph);
    let own_weight = |index: usize| {
        let node = &graph.nodes[index];
        // A weight that several layers share cannot be scaled for one.
        let weights = node.inputs.get(1..).unwrap_or_default();
        let is_own = weights
            .iter()
            .all(|name| topology.consumers(name).len() == 1);
        is_own && has_constant_weight(graph, node) && channels(graph, index).is_some()
    };
    let is_conv = |index: usize| graph.nodes[index].op == "Conv";
    let mut pairs = Vec::new();
    for first in 0..graph.nodes.len() {
        if !is_weighted(&graph.nodes[first]) || !own_weight(first) {
            continue;
        }
        let mut clip = None;
        let mut at = first;
        while let Some(next) = topology.sole_consumer(&graph.nodes[at].outputs[0]) {
            let (value, node) = (&graph.nodes[at].outputs[0], &graph.nodes[next]);
            // The channels of a convolution lie along the second dimension, those of a product along the last one.
            let is_alike = is_conv(first) == is_conv(next) || graph.nodes[at].op == "Flatten";
            if is_weighted(node) && is_alike && node.input(0) == Some(value) && own_weight(next) {
                let outputs = channels(graph, first).map(|channels| channels.outputs());
                if outputs == channels(graph, next).map(|channels| channels.inputs()) {
                    pairs.push(Pair {
                        first,
                        second: next,
                        clip,
                        scales: vec![1.0; outputs.unwrap_or(0)],
                    });
                }
                break;
            }
            match node.op.as_str() {
                "Relu" | "LeakyRelu" => {}
                "MaxPool" | "AveragePool" | "GlobalAveragePool" if is_conv(first) => {}
                // What a MatMul makes is not observed by its last dimension.
                "Clip" if clip.is_none() && graph.nodes[first].op != "MatMul" => {
                    match clip_limits(graph, node) {
                        Some((0.0, high)) if high > 0.0 => {
                            clip = Some((node.outputs[0].clone(), high));
                        }
                        _ => break,
                    }
                }
                // Nothing but channels is left.
                "Flatten" if graph.nodes[at].op == "GlobalAveragePool" => {}
                _ => break,
            }
            at = next;
        }
    }
    pairs
}

fn channels(graph: &Graph, index: usize) -> Option<Channels<'_>> {
    let node = &graph.nodes[index];
    Channels::of(node, graph.initializers.get(node.input(1)?)?)
}

/// What each channel between is divided by: √(r₁ / r₂) of the largest weights on both sides.
fn factors(graph: &Graph, pair: &Pair, observed: &BTreeMap<String, Observed>) -> Result<Vec<f64>> {
    let ranges = |index: usize, side: Side| -> Result<Vec<f64>> {
        let mut ranges = vec![0f64; pair.scales.len()];
        let Some(channels) = channels(graph, index) else {
            return Ok(ranges);
        };
        let weight = &graph.initializers[&graph.nodes[index].inputs[1]];
        for (at, value) in weight.to_f32()?.into_iter().enumerate() {
            let (output, input) = channels.at(at);
            let channel = match side {
                Side::Output => output,
                Side::Input => input,
            };
            ranges[channel] = ranges[channel].max(f64::from(value.abs()));
        }
        Ok(ranges)
    };
    let first = ranges(pair.first, Side::Output)?;
    let second = ranges(pair.second, Side::Input)?;
    let clipped = pair.clip.as_ref().map(|(value, limit)| {
        let observed = observed.get(value).map(Observed::channel_highest);
        (observed.unwrap_or_default(), f64::from(*limit))
    });
    let factor = |channel: usize| {
        let (r1, r2) = (first[channel], second[channel]);
        if r1 <= 0.0 || r2 <= 0.0 {
            return 1.0;
        }
        let factor = (r1 / r2).sqrt();
        let Some((highest, limit)) = clipped else {
            return factor;
        };
        let Some(highest) = highest.get(channel) else {
            return 1.0;
        };
        // It was observed before anything was scaled.
        let now = f64::from(*highest) / pair.scales[channel];
        if now >= NEAR_LIMIT * limit {
            1.0
        } else {
            factor.max(now / (NEAR_LIMIT * limit))
        }
    };
    Ok((0..pair.scales.len()).map(factor).collect())
}

/// Which channels of a layer.
#[derive(Clone, Copy)]
enum Side {
    Output,
    Input,
}

/// Divides the output channels of the first layer, and multiplies the input channels of the second.
fn scale(graph: &mut Graph, pair: &Pair, factors: &[f64]) -> Result<()> {
    for (index, side) in [(pair.first, Side::Output), (pair.second, Side::Input)] {
        let Some(channels) = channels(graph, index) else {
            continue;
        };
        let name = graph.nodes[index].inputs[1].clone();
        let weight = &graph.initializers[&name];
        let scaled: Vec<f32> = weight
            .to_f32()?
            .into_iter()
            .enumerate()
            .map(|(at, value)| {
                let (output, input) = channels.at(at);
                let factor = match side {
                    Side::Output => 1.0 / factors[output],
                    Side::Input => factors[input],
                };
                (f64::from(value) * factor) as f32
            })
            .collect();
        let scaled = Tensor::from_values(weight.dims().to_vec(), &scaled);
        graph.initializers.insert(name, scaled);
    }
    if let Some(name) = graph.nodes[pair.first].input(2).map(str::to_owned) {
        let bias = &graph.initializers[&name];
        let values = bias.to_f32()?.into_iter().zip(factors);
        let scaled: Vec<f32> = values
            .map(|(value, factor)| (f64::from(value) / factor) as f32)
            .collect();
        let scaled = Tensor::from_values(bias.dims().to_vec(), &scaled);
        graph.initializers.insert(name, scaled);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::{Node, ValueInfo};

    #[test]
    fn an_outlier_channel_is_shared_out() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, dims, values) in [
            ("w1", vec![2, 1, 1, 1], vec![1000f32, 1.0]),
            ("b1", vec![2], vec![10f32, 1.0]),
            ("w2", vec![1, 2, 1, 1], vec![0.001f32, 1.0]),
        ] {
            let tensor = Tensor::from_values(dims, &values);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = vec![
            Node::new("Conv", "first", &["x", "w1", "b1"], &["a"]),
            Node::new("Relu", "relu", &["a"], &["r"]),
            Node::new("Conv", "second", &["r", "w2"], &["y"]),
        ];
        let equalized = equalize(&mut graph, &BTreeMap::new()).unwrap();
        assert_eq!((equalized[0].first.as_str(), equalized.len()), ("first", 1));
        assert!((equalized[0].most - 1000.0).abs() < 1.0, "{equalized:?}");
        for (name, values) in [("w1", [1.0, 1.0]), ("b1", [0.01, 1.0]), ("w2", [1.0, 1.0])] {
            let made = graph.initializers[name].to_f32().unwrap();
            for (made, value) in made.iter().zip(values) {
                assert!((made - value).abs() < 1e-3, "{name} {made}");
            }
        }
    }

    #[test]
    fn layers_whose_channels_lie_on_other_axes_are_no_pair() {
        let mut graph = Graph::new("g", 17);
        for (name, dims) in [("w1", vec![2, 1, 1, 1]), ("w2", vec![2, 2]), ("b", vec![1])] {
            let count: usize = dims.iter().product();
            let tensor = Tensor::from_values(dims, &vec![3f32; count]);
            graph.initializers.insert(name.into(), tensor);
        }
        let conv = Node::new("Conv", "first", &["x", "w1"], &["a"]);
        let product = |x: &str| Node::new("MatMul", "second", &[x, "w2"], &["y"]);
        graph.nodes = vec![conv, product("a")];
        assert!(pairs(&graph).is_empty());
        let pool = Node::new("GlobalAveragePool", "pool", &["a"], &["p"]);
        let flat = Node::new("Flatten", "flat", &["p"], &["f"]);
        graph.nodes = vec![graph.nodes[0].clone(), pool, flat, product("f")];
        assert_eq!(pairs(&graph).len(), 1);
        // Nor is one whose bias is computed, or is not one for each channel.
        for bias in ["computed", "b"] {
            graph.nodes[3] = Node::new("Gemm", "second", &["f", "w2", bias], &["y"]);
            assert!(pairs(&graph).is_empty());
        }
    }

    #[test]
    fn a_channel_that_a_clip_limits_stays_as_it_is() {
        let mut graph = Graph::new("g", 17);
        graph.outputs.push(ValueInfo::float("y"));
        for (name, dims, values) in [
            ("w1", vec![2, 1, 1], vec![8f32, 8.0]),
            ("w2", vec![1, 2, 1], vec![1f32, 1.0]),
            ("zero", vec![], vec![0f32]),
            ("six", vec![], vec![6f32]),
        ] {
            let tensor = Tensor::from_values(dims, &values);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = vec![
            Node::new("Conv", "first", &["x", "w1"], &["a"]),
            Node::new("Clip", "clip", &["a", "zero", "six"], &["c"]),
            Node::new("Conv", "second", &["c", "w2"], &["y"]),
        ];
        let mut observed = Observed::default();
        let samples = edgefit_engine::Array {
            dims: vec![1, 2, 2],
            values: vec![0.0, 6.0, 3.0, 1.0],
        };
        observed.add(&samples);
        equalize(&mut graph, &BTreeMap::from([("c".to_owned(), observed)])).unwrap();
        let first = graph.initializers["w1"].to_f32().unwrap();
        assert_eq!(first[0], 8.0);
        assert!((first[1] - 8.0 / 8f32.sqrt()).abs() < 1e-3, "{first:?}");
    }
}
