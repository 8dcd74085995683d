//! [`LearnedScales`]: which scales of values are trained together, and within which limits.

use std::collections::BTreeMap;

use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, FreshNames, Graph, Node};

use crate::error::Result;
use crate::nodes::clip_limits;
use crate::scheme::Scheme;

/// The scales of a quantised graph's values that are trained.
#[derive(Debug, Clone, Default)]
pub(crate) struct LearnedScales {
    pub sets: Vec<ScaleSet>,
    /// Scales that another one is multiplied by a constant for.
    pub rescales: Vec<LearnedRescale>,
}

/// Scales that have to be the same.
#[derive(Debug, Clone)]
pub(crate) struct ScaleSet {
    /// Names of the initializers.
    pub scales: Vec<String>,
    /// What calibration chose.
    pub start: f32,
    /// What they may be at most.
    pub most: f32,
    /// Name of the logarithm of their factor.
    pub factor: String,
}

/// The scale of a value that holds the integers of another one.
#[derive(Debug, Clone)]
pub(crate) struct LearnedRescale {
    /// Name of the initializer.
    pub scale: String,
    /// Which set it follows.
    pub set: usize,
    /// What that is multiplied by.
    pub factor: f32,
}

impl LearnedScales {
    /// Of all values, but for those whose scale the engine prescribes or a constant has, too; of no powers of two.
    pub fn of(graph: &Graph, scheme: &Scheme) -> Result<Self> {
        if scheme.power_of_two {
            return Ok(LearnedScales::default());
        }
        let topology = Topology::of(graph);
        let producer = |value: &str| Some(&graph.nodes[topology.producer(value)?]);
        let quantizers = || {
            graph
                .nodes
                .iter()
                .filter(|node| node.op == "QuantizeLinear")
        };
        let mut set_of: BTreeMap<&str, usize> = quantizers()
            .enumerate()
            .filter_map(|(index, node)| Some((node.input(1)?, index)))
            .collect();
        let mut join = |names: &[&str]| {
            let sets: Vec<usize> = names
                .iter()
                .filter_map(|name| set_of.get(name).copied())
                .collect();
            let Some(&first) = sets.first() else {
                return;
            };
            for set in set_of.values_mut().filter(|set| sets.contains(set)) {
                *set = first;
            }
        };
        let is_constant = |node: &Node| {
            let integers = node.input(0);
            integers.is_some_and(|name| graph.initializers.contains_key(name))
        };
        // Scales that constants have, too.
        let mut held: Vec<&str> = Vec::new();
        for node in graph
            .nodes
            .iter()
            .filter(|node| scheme.same_scale.contains(&node.op))
        {
            let read = node.present_inputs().filter_map(&producer);
            let read = read.filter(|node| node.op == "DequantizeLinear");
            let read: Vec<&Node> = read.collect();
            let behind = node
                .present_outputs()
                .flat_map(|value| topology.consumers(value));
            let behind = behind.map(|&index| &graph.nodes[index]);
            let behind = behind.filter(|node| node.op == "QuantizeLinear");
            let scales: Vec<&str> = read
                .iter()
                .copied()
                .chain(behind)
                .filter_map(|node| node.input(1))
                .collect();
            // What calibration left apart stays so.
            let mut each = scales.iter().map(|name| scale_of(graph, name));
            let first = each.next();
            let is_one = first.is_some() && each.all(|scale| Some(scale) == first);
            if is_one && behind_is_quantized(graph, &topology, node) {
                join(&scales);
                if read.iter().any(|&node| is_constant(node)) {
                    held.extend(scales);
                }
            }
        }
        let mut sets: BTreeMap<usize, ScaleSet> = BTreeMap::new();
        let held = held.iter().filter_map(|name| set_of.get(name).copied());
        let mut fixed: Vec<usize> = held.collect();
        let mut names = FreshNames::of(graph);
        for node in quantizers() {
            let (Some(value), Some(scale)) = (node.input(0), node.input(1)) else {
                continue;
            };
            let set = set_of[scale];
            let start = scale_of(graph, scale);
            let most = most_of(graph, node, producer(value), start);
            let made = sets.entry(set).or_insert_with(|| ScaleSet {
                scales: Vec::new(),
                start,
                most: f32::INFINITY,
                factor: names.take(&format!("{scale}_log_factor")),
            });
            made.scales.push(scale.to_owned());
            made.most = made.most.min(most);
            let is_fixed = |made: &Node| scheme.fixed_output(made).is_some();
            if producer(value).is_some_and(is_fixed) {
                fixed.push(set);
            }
        }
        sets.retain(|set, _| !fixed.contains(set));
        let places: BTreeMap<usize, usize> = sets
            .keys()
            .enumerate()
            .map(|(place, &set)| (set, place))
            .collect();
        let mut rescales = Vec::new();
        for node in graph
            .nodes
            .iter()
            .filter(|node| node.op == "DequantizeLinear")
        {
            let (Some(integers), Some(scale)) = (node.input(0), node.input(1)) else {
                continue;
            };
            let from = producer(integers).and_then(|from| from.input(1));
            let Some(from) = from.filter(|from| *from != scale) else {
                continue;
            };
            if let Some(&set) = set_of.get(from).and_then(|set| places.get(set)) {
                rescales.push(LearnedRescale {
                    scale: scale.to_owned(),
                    set,
                    factor: scale_of(graph, scale) / scale_of(graph, from),
                });
            }
        }
        Ok(LearnedScales {
            sets: sets.into_values().collect(),
            rescales,
        })
    }

    /// Names of the logarithms of their factors.
    pub fn factors(&self) -> impl Iterator<Item = &str> {
        self.sets.iter().map(|set| set.factor.as_str())
    }

    /// Every scale by the name of its initializer, with the trained `weights`.
    pub fn trained(&self, weights: &BTreeMap<String, Vec<f32>>) -> BTreeMap<String, f32> {
        let scale = |set: &ScaleSet| {
            let factor = weights.get(&set.factor).and_then(|values| values.first());
            let factor = factor.map_or(1.0, |factor| factor.exp());
            (set.start * factor).min(set.most)
        };
        let own = self.sets.iter().flat_map(|set| {
            let names = set.scales.iter().cloned();
            names.map(move |name| (name, scale(set)))
        });
        let rescaled = self.rescales.iter().map(|rescale| {
            let from = scale(&self.sets[rescale.set]);
            (rescale.scale.clone(), from * rescale.factor)
        });
        own.chain(rescaled).collect()
    }
}

fn behind_is_quantized(graph: &Graph, topology: &Topology, node: &Node) -> bool {
    let mut behind = node
        .present_outputs()
        .flat_map(|value| topology.consumers(value));
    behind.any(|&index| graph.nodes[index].op == "QuantizeLinear")
}

/// The largest scale that a QuantizeLinear may have behind what `producer` makes: a Clip vanishes only where
/// the range ends within it.
fn most_of(graph: &Graph, quantize: &Node, producer: Option<&Node>, start: f32) -> f32 {
    let clip = producer.filter(|node| node.op == "Clip");
    let limits = clip.and_then(|clip| clip_limits(graph, clip));
    let zero_point = quantize
        .input(2)
        .and_then(|name| graph.initializers.get(name));
    let (Some((_, high)), Some(zero_point)) = (limits, zero_point) else {
        return f32::INFINITY;
    };
    let largest = match zero_point.dtype() {
        edgefit_graph::DataType::U8 => 255,
        _ => 127,
    };
    let zero = zero_point
        .to_i64()
        .ok()
        .and_then(|zeros| zeros.first().copied());
    let steps = (largest - zero.unwrap_or(0)).max(1) as f32;
    // Calibration has the last word: its rounding may go beyond, and its range goes on where other values share it.
    if start * (steps - 0.5) > high {
        f32::INFINITY
    } else {
        (high / steps).max(start)
    }
}

/// The single scale of that name.
pub(crate) fn scale_of(graph: &Graph, name: &str) -> f32 {
    let tensor = graph.initializers.get(name);
    let tensor = tensor.filter(|tensor| tensor.dtype() == DataType::F32);
    let values = tensor.and_then(|tensor| tensor.to_f32().ok());
    values
        .and_then(|values| values.first().copied())
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use edgefit_graph::Tensor;

    use super::*;

    #[test]
    fn what_calibration_left_apart_is_trained_apart() {
        let mut graph = Graph::new("g", 17);
        let pair = |x: &str, y: &str| {
            let [scale, integers] = [format!("{x}_scale"), format!("{x}_integers")];
            [
                Node::new("QuantizeLinear", "", &[x, &scale], &[&integers]),
                Node::new("DequantizeLinear", "", &[&integers, &scale], &[y]),
            ]
        };
        let join = Node::new("Concat", "join", &["da", "db"], &["j"]);
        graph.nodes = [pair("a", "da"), pair("b", "db")].concat();
        graph.nodes.push(join);
        graph.nodes.extend(pair("j", "y"));
        let sets = |graph: &mut Graph, scales: [f32; 3]| {
            for (name, scale) in ["a_scale", "b_scale", "j_scale"].into_iter().zip(scales) {
                let scale = Tensor::from_values(vec![], &[scale]);
                graph.initializers.insert(name.into(), scale);
            }
            let scheme = Scheme::named("tflite").unwrap();
            LearnedScales::of(graph, &scheme).unwrap().sets.len()
        };
        assert_eq!(sets(&mut graph, [0.5, 0.5, 0.5]), 1);
        assert_eq!(sets(&mut graph, [0.25, 0.5, 0.5]), 3);
        // A constant keeps its scale, and with it all that have the same.
        graph.nodes.remove(0);
        let integers = Tensor::from_values(vec![1], &[1i8]);
        graph.initializers.insert("a_integers".into(), integers);
        assert_eq!(sets(&mut graph, [0.5, 0.5, 0.5]), 0);
        assert_eq!(sets(&mut graph, [0.25, 0.5, 0.5]), 2);
    }

    #[test]
    fn a_clip_limits_the_scale_where_calibration_ended_within_it() {
        let mut graph = Graph::new("g", 17);
        for (name, value) in [("low", 0f32), ("high", 6.0)] {
            let limit = Tensor::from_values(vec![], &[value]);
            graph.initializers.insert(name.into(), limit);
        }
        let zero_point = Tensor::from_values(vec![], &[-128i8]);
        graph.initializers.insert("z".into(), zero_point);
        let clip = Node::new("Clip", "clip", &["x", "low", "high"], &["c"]);
        let quantize = Node::new("QuantizeLinear", "quantize", &["c", "s", "z"], &["q"]);
        let most = |start: f32| most_of(&graph, &quantize, Some(&clip), start);
        assert_eq!(most(3.0 / 255.0), 6.0 / 255.0);
        assert_eq!(most(20.0 / 255.0), f32::INFINITY);
    }
}
