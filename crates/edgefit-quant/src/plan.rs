//! [`Plan`]: which nodes run on integers, and which values are therefore quantised.

mod gelu;
mod layer_norm;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use edgefit_graph::infer::Inference;
use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, Graph, Node};

use self::gelu::written_out_gelus;
use self::layer_norm::written_out_norms;
use crate::nodes::{
    activations, clip_limits, has_constant_weight, is_activation, rescale_factor, takes_activation,
};
use crate::scheme::Scheme;

/// Which nodes run on integers, and which values are quantised.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Nodes that run on integers, in the order in which they run.
    pub groups: Vec<Group>,
    /// Values that are quantised, constants of a Concat among them; those of one set have the same parameters.
    pub value_sets: Vec<BTreeSet<String>>,
    /// Multiplications by a constant that cost nothing, in the order in which they run.
    pub rescales: Vec<Rescale>,
    /// Nodes that could run on integers, and would only round between neighbours on floats.
    pub islands: BTreeSet<usize>,
    /// Nodes that write out an op that has no integer kernel.
    pub written_out: BTreeSet<usize>,
}

/// A quantised value times a positive constant: the same integers, read with another scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescale {
    /// Index of the multiplication.
    pub node: usize,
    /// The value, quantised or rescaled itself.
    pub from: String,
    /// The product.
    pub to: String,
    /// What the scale is multiplied by.
    pub factor: f32,
}

/// A fusion unit: a node and the activation that the engine computes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Index of the node.
    pub node: usize,
    /// Index of the activation that is fused into it.
    pub activation: Option<usize>,
    /// Whether its result stays a float because nothing on integers reads it.
    pub float_output: bool,
}

impl Plan {
    /// The plan for `graph` in `scheme`. Nodes whose labels are in `kept_float` are left as they are.
    pub fn of(
        graph: &Graph,
        inference: &Inference,
        scheme: &Scheme,
        kept_float: &HashSet<String>,
    ) -> Plan {
        let topology = Topology::of(graph);
        let mut written_out = written_out_gelus(graph, &topology);
        written_out.extend(written_out_norms(graph, &topology));
        let is_quantized = |index: usize| {
            let node = &graph.nodes[index];
            node.is_onnx()
                && !written_out.contains(&index)
                && scheme.quantizes(node)
                && !kept_float.contains(node.label())
                && activations(graph, node).next().is_some()
                && activations(graph, node).all(|value| is_float(inference, value))
                && has_constant_weight(graph, node)
        };
        let scales = |node: &Node| {
            let output = node.outputs.first()?;
            let mut readers = topology.consumers(output).iter();
            let must_match = |&index: &usize| scheme.same_scale.contains(&graph.nodes[index].op);
            let is_free = !scheme.power_of_two && !readers.any(must_match);
            is_free.then(|| rescale_factor(graph, node)).flatten()
        };
        let mut fused = HashSet::new();
        let mut groups: Vec<Group> = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            if fused.contains(&index) || !is_quantized(index) {
                continue;
            }
            let activation = node
                .outputs
                .first()
                .and_then(|output| topology.sole_consumer(output))
                .filter(|&next| takes_activation(node) && is_activation(graph, &graph.nodes[next]))
                .filter(|&next| !kept_float.contains(graph.nodes[next].label()));
            fused.extend(activation);
            groups.push(Group {
                node: index,
                activation,
                float_output: false,
            });
        }
        let islands = take_islands(graph, &topology, scheme, &mut groups);
        let rescales = rescales(graph, &groups, scales);
        groups.retain(|group| rescales.iter().all(|rescale| rescale.node != group.node));
        let mut integer = nodes_of(&groups);
        integer.extend(rescales.iter().map(|rescale| rescale.node));
        for group in &mut groups {
            let mut readers = topology.consumers(group.output(graph)).iter();
            group.float_output = scheme.float_output.contains(&graph.nodes[group.node].op)
                && !readers.any(|reader| integer.contains(reader));
        }
        let mut value_sets = value_sets(graph, scheme, &groups);
        let is_rescaled = |value: &String| rescales.iter().any(|rescale| rescale.to == *value);
        for set in &mut value_sets {
            set.retain(|value| !is_rescaled(value));
        }
        value_sets.retain(|set| !set.is_empty());
        Plan {
            groups,
            value_sets,
            rescales,
            islands,
            written_out,
        }
    }

    /// Every quantised value.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.value_sets.iter().flatten().map(String::as_str)
    }
}

impl Group {
    /// Labels of its nodes.
    pub fn labels(&self, graph: &Graph) -> Vec<String> {
        let nodes = [Some(self.node), self.activation];
        let labels = nodes.into_iter().flatten();
        labels
            .map(|node| graph.nodes[node].label().to_owned())
            .collect()
    }

    /// The value that it makes.
    pub fn output<'g>(&self, graph: &'g Graph) -> &'g str {
        let last = &graph.nodes[self.activation.unwrap_or(self.node)];
        last.outputs.first().map_or("", String::as_str)
    }

    /// All that it makes of its values: of a Split each part.
    pub fn outputs<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g str> {
        let last = &graph.nodes[self.activation.unwrap_or(self.node)];
        let most = if last.op == "Split" { usize::MAX } else { 1 };
        last.present_outputs().take(most)
    }

    /// The upper limit of the Clip that is its activation.
    pub fn highest(&self, graph: &Graph) -> Option<f32> {
        let clip = &graph.nodes[self.activation?];
        let (_, high) = clip_limits(graph, clip)?;
        (clip.op == "Clip" && high.is_finite()).then_some(high)
    }
}

/// Every node of `groups`.
fn nodes_of(groups: &[Group]) -> HashSet<usize> {
    let nodes = groups
        .iter()
        .flat_map(|group| [Some(group.node), group.activation]);
    nodes.flatten().collect()
}

/// The groups that only rescale what another group quantises, and whose result no op reads that wants the
/// same parameters in front and behind.
fn rescales(
    graph: &Graph,
    groups: &[Group],
    factor: impl Fn(&Node) -> Option<f32>,
) -> Vec<Rescale> {
    let is_rescale = |group: &&Group| factor(&graph.nodes[group.node]).is_some();
    let mut quantized: HashSet<&str> = groups
        .iter()
        .filter(|group| !is_rescale(group))
        .flat_map(|group| {
            let read = activations(graph, &graph.nodes[group.node]);
            read.chain(group.outputs(graph))
        })
        .collect();
    let mut found: Vec<Rescale> = Vec::new();
    for group in groups.iter().filter(is_rescale) {
        let node = &graph.nodes[group.node];
        let (Some(from), Some(factor)) = (activations(graph, node).next(), factor(node)) else {
            continue;
        };
        if quantized.contains(from) {
            quantized.insert(group.output(graph));
            found.push(Rescale {
                node: group.node,
                from: from.to_owned(),
                to: group.output(graph).to_owned(),
                factor,
            });
        }
    }
    found
}

fn is_float(inference: &Inference, value: &str) -> bool {
    let known = inference.get(value);
    known.is_some_and(|known| known.dtype == DataType::F32) && !inference.is_folded(value)
}

/// Takes out of `groups` what would only round: nodes that move or pool values and have no neighbour on
/// integers on one side, and nodes that combine values and have none on either. An engine that never gives floats
/// begins and ends with integers, so that nodes that move values have such a neighbour there.
fn take_islands(
    graph: &Graph,
    topology: &Topology,
    scheme: &Scheme,
    groups: &mut Vec<Group>,
) -> BTreeSet<usize> {
    let mut islands = BTreeSet::new();
    loop {
        let nodes = nodes_of(groups);
        let before = groups.len();
        groups.retain(|group| {
            let node = &graph.nodes[group.node];
            let is_same_scale = scheme.same_scale.contains(&node.op);
            let counts_ends = is_same_scale && scheme.float_output.is_empty();
            let from = activations(graph, node).any(|value| match topology.producer(value) {
                Some(producer) => nodes.contains(&producer),
                None => counts_ends,
            });
            let to = group.outputs(graph).any(|output| {
                let mut readers = topology.consumers(output).iter();
                readers.any(|reader| nodes.contains(reader))
                    || counts_ends && topology.is_output(output)
            });
            let stays = if is_same_scale {
                from && to
            } else if matches!(node.op.as_str(), "Add" | "Mul" | "Concat") {
                from || to
            } else {
                true
            };
            if !stays {
                islands.insert(group.node);
            }
            stays
        });
        if groups.len() == before {
            return islands;
        }
    }
}

/// The scale and zero point that the engine prescribes for a value.
type Prescribed = (f32, i64);

/// The quantised values, the constants of a Concat among them, joined where an op wants the same parameters before
/// and behind. Values for which the engine prescribes different ones are not: what suits one would cut off another.
fn value_sets(graph: &Graph, scheme: &Scheme, groups: &[Group]) -> Vec<BTreeSet<String>> {
    let prescribed = graph.nodes.iter().filter_map(|node| {
        let fixed = scheme.fixed_output(node)?;
        let parameters = (fixed.scale, fixed.zero_point);
        Some((node.outputs.first()?.as_str(), parameters))
    });
    let prescribed: HashMap<&str, Prescribed> = prescribed.collect();
    let mut set_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sets: Vec<(BTreeSet<&str>, Option<Prescribed>)> = Vec::new();
    for group in groups {
        let node = &graph.nodes[group.node];
        let read: Vec<&str> = match node.op.as_str() {
            "Concat" => node.present_inputs().collect(),
            _ => activations(graph, node).collect(),
        };
        let outputs = group.outputs(graph).filter(|_| !group.float_output);
        let values: Vec<&str> = read.iter().copied().chain(outputs).collect();
        for &value in &values {
            set_of.entry(value).or_insert_with(|| {
                sets.push((BTreeSet::from([value]), prescribed.get(value).copied()));
                sets.len() - 1
            });
        }
        let Some((first, others)) = values.split_first() else {
            continue;
        };
        let to = set_of[first];
        let agree = read.iter().all(|value| sets[set_of[value]].1 == sets[to].1);
        if !agree || !scheme.same_scale.contains(&node.op) {
            continue;
        }
        for other in others {
            let from = set_of[other];
            if to != from {
                let moved = std::mem::take(&mut sets[from].0);
                for value in &moved {
                    set_of.insert(value, to);
                }
                sets[to].0.extend(moved);
            }
        }
    }
    let sets = sets.into_iter().map(|(set, _)| set);
    sets.filter(|set| !set.is_empty())
        .map(|set| set.into_iter().map(str::to_owned).collect())
        .collect()
}

#[cfg(test)]
mod tests;
