//! [`Structure`]: a model as groups of channels that are removed together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::first_quantized;
use edgefit_graph::rewrite::{fold_moved_weights, lift_constants, single_precision};
use edgefit_graph::{DataType, Graph};
use serde::Serialize;

use crate::channels::Labels;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::trace::{Axes, Trace};
use crate::unshare::unshare_vectors;

/// A float model, and which of its channels can be removed.
///
/// ```
/// use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
/// use edgefit_prune::Structure;
///
/// let mut graph = Graph::new("two layers", 17);
/// let row = |size| vec![Dim::Symbol("n".into()), Dim::Known(size)];
/// graph.inputs.push(ValueInfo::f32("x", row(4)));
/// graph.outputs.push(ValueInfo::f32("y", row(3)));
/// for (name, dims) in [("a", vec![4, 16]), ("b", vec![16, 3])] {
///     let values = vec![0.5f32; dims.iter().product()];
///     graph.initializers.insert(name.into(), Tensor::from_values(dims, &values));
/// }
/// graph.nodes = vec![
///     Node::new("MatMul", "first", &["x", "a"], &["h"]),
///     Node::new("MatMul", "second", &["h", "b"], &["y"]),
/// ];
///
/// let structure = Structure::of(&graph)?;
/// assert_eq!(structure.groups()[0].nodes, ["first"]);
/// assert_eq!(structure.groups()[0].channels, 16);
/// // What the model gives has to stay.
/// assert_eq!(structure.frozen()[0].nodes, ["second"]);
/// # Ok::<(), edgefit_prune::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Structure {
    pub(crate) graph: Graph,
    /// Type of the model's floats, where they were not of 32 bits and are now.
    pub widened: Option<DataType>,
    pub(crate) values: HashMap<String, Axes>,
    pub(crate) constants: BTreeMap<String, Axes>,
    pub(crate) layers: Vec<Layer>,
    /// Group and unit of each channel; `None` if it has to stay.
    pub(crate) units: Vec<Option<(usize, usize)>>,
    groups: Vec<Group>,
    frozen: Vec<Frozen>,
}

/// Channels that layers make together: each one of them goes in all of these layers or in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The layers that make them.
    pub nodes: Vec<String>,
    /// Their channels, with those that have to stay.
    pub channels: usize,
    /// How many of them stay in any case.
    pub fixed: usize,
    /// What goes together: of each unit how many channels a layer loses with it.
    pub units: Vec<usize>,
    /// Sets of units of which one has to stay, so that no layer is left without channels.
    pub(crate) covers: Vec<Vec<usize>>,
}

/// Layers whose channels have to stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frozen {
    /// The layers.
    pub nodes: Vec<String>,
    /// Why.
    pub reason: String,
}

impl Structure {
    /// Follows the channels of `graph`, whose constants are lifted and whose floats are widened to 32 bits.
    ///
    /// # Errors
    /// The model is quantised, malformed, or holds weights that are not finite.
    pub fn of(graph: &Graph) -> Result<Self> {
        if let Some(node) = first_quantized(graph) {
            return Err(Error::Quantized { node: node.place() });
        }
        let mut graph = graph.clone();
        lift_constants(&mut graph);
        let widened = single_precision(&mut graph);
        fold_moved_weights(&mut graph);
        unshare_vectors(&mut graph);
        check_finite(&graph)?;
        let inference = infer(&graph, &InputShapes::bind(&graph, 1, None)?)?;
        let trace = Trace::of(&graph, &inference);
        let found = Found::of(&trace);
        let values = trace.values.iter();
        let values = values.map(|(name, axes)| ((*name).to_owned(), axes.clone()));
        let values = values.collect();
        let constants = trace.constants();
        let constants = constants.map(|(name, axes)| (name.to_owned(), axes.clone()));
        let constants = constants.collect();
        let layers = trace.layers;
        Ok(Structure {
            graph,
            widened,
            values,
            constants,
            layers,
            units: found.units,
            groups: found.groups,
            frozen: found.frozen,
        })
    }

    /// The model as its channels were followed.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Groups of which channels can be removed, in the order of their first layer.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Layers whose channels all have to stay, in the same order.
    pub fn frozen(&self) -> &[Frozen] {
        &self.frozen
    }

    /// Refuses a model of which no channel can go.
    ///
    /// # Errors
    /// It is such a model; the error says why, for its last layers.
    pub fn check_prunable(&self) -> Result<()> {
        if !self.groups.is_empty() {
            return Ok(());
        }
        let last = self.frozen.last();
        let reason = last.map_or_else(
            || "it has no layer whose channels are read by another".to_owned(),
            |frozen| {
                format!(
                    "{} stays because of {}",
                    frozen.nodes.join(", "),
                    frozen.reason
                )
            },
        );
        Err(Error::NothingToPrune { reason })
    }

    /// Units of a group that `labels` are of; `None` in the place of channels of other groups, and of those
    /// that have to stay.
    pub(crate) fn units_in(&self, labels: &[u32], group: usize) -> Vec<Option<usize>> {
        let unit = |&channel: &u32| match self.units[channel as usize] {
            Some((of, unit)) if of == group => Some(unit),
            _ => None,
        };
        labels.iter().map(unit).collect()
    }
}

impl Group {
    /// Units that make up `multiple` channels.
    pub fn step(&self, multiple: usize) -> usize {
        match self.units.split_first() {
            Some((first, rest)) if rest.iter().all(|size| size == first) => {
                let multiple = multiple.max(1);
                multiple / greatest_common_divisor(multiple, *first)
            }
            _ => multiple.max(1),
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

fn check_finite(graph: &Graph) -> Result<()> {
    for node in &graph.nodes {
        for name in node.present_inputs() {
            let Some(tensor) = graph.initializers.get(name) else {
                continue;
            };
            let is_weight = tensor.dtype() == DataType::F32 && tensor.elements() > 1;
            let masks = |value: &f32| value.is_finite() || *value == f32::NEG_INFINITY;
            if is_weight && !tensor.to_f32()?.iter().all(masks) {
                return Err(Error::NonFinite {
                    weight: name.to_owned(),
                    node: node.place(),
                });
            }
        }
    }
    Ok(())
}

/// Groups of a trace.
struct Found {
    units: Vec<Option<(usize, usize)>>,
    groups: Vec<Group>,
    frozen: Vec<Frozen>,
}

impl Found {
    fn of(trace: &Trace) -> Self {
        let channels = &trace.channels;
        // Of each set of layers, in the order of the first: its channels by what they are removed with.
        let mut sets: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for layer in &trace.layers {
            for &channel in layer.made.iter() {
                let of_set = sets.entry(channels.set(channel)).or_default();
                of_set.insert(channels.root(channel));
            }
        }
        let mut sets: Vec<(Vec<usize>, BTreeSet<u32>)> = sets
            .into_iter()
            .map(|(set, roots)| {
                let mut nodes = channels.nodes(set).to_vec();
                nodes.sort_unstable();
                nodes.dedup();
                (nodes, roots)
            })
            .collect();
        sets.sort();
        let sizes = sizes(trace);
        let mut found = Found {
            units: vec![None; channels.len()],
            groups: Vec::new(),
            frozen: Vec::new(),
        };
        let mut unit_of: HashMap<u32, (usize, usize)> = HashMap::new();
        for (nodes, roots) in sets {
            let nodes = nodes.iter().map(|&node| trace.graph.nodes[node].label());
            let nodes: Vec<String> = nodes.map(str::to_owned).collect();
            let size = |root: &u32| sizes.get(root).copied().unwrap_or(1);
            let (fixed, free): (Vec<u32>, Vec<u32>) = roots
                .into_iter()
                .partition(|&root| channels.reason(root).is_some());
            if let (Some(&first), true) = (fixed.first(), free.is_empty()) {
                let reason = channels.reason(first).unwrap_or_default().to_owned();
                found.frozen.push(Frozen { nodes, reason });
                continue;
            }
            let group = found.groups.len();
            unit_of.extend(
                free.iter()
                    .enumerate()
                    .map(|(at, &root)| (root, (group, at))),
            );
            let fixed: usize = fixed.iter().map(size).sum();
            let units: Vec<usize> = free.iter().map(size).collect();
            found.groups.push(Group {
                nodes,
                channels: fixed + units.iter().sum::<usize>(),
                fixed,
                units,
                covers: Vec::new(),
            });
        }
        for channel in 0..channels.len() as u32 {
            found.units[channel as usize] = unit_of.get(&channels.root(channel)).copied();
        }
        found.cover(trace);
        found
    }

    /// Finds what must not lose all its channels.
    fn cover(&mut self, trace: &Trace) {
        let constants = trace.constants().map(|(_, axes)| axes);
        let mut covers: Vec<BTreeSet<Vec<usize>>> = vec![BTreeSet::new(); self.groups.len()];
        for labels in trace.values.values().chain(constants).flatten().flatten() {
            if let Some((group, units)) = self.all_in_one(labels) {
                covers[group].insert(units.into_iter().collect());
            }
        }
        for (group, covers) in self.groups.iter_mut().zip(covers) {
            group.covers = covers.into_iter().collect();
        }
    }

    /// The group and units of `labels`, if all of them can go and are of one group.
    fn all_in_one(&self, labels: &Labels) -> Option<(usize, BTreeSet<usize>)> {
        let group = self.units[*labels.first()? as usize]?.0;
        let units = labels.iter().map(|&channel| {
            let (of, unit) = self.units[channel as usize]?;
            (of == group).then_some(unit)
        });
        Some((group, units.collect::<Option<_>>()?))
    }
}

/// How many channels a layer makes, at most, of those that go together.
fn sizes(trace: &Trace) -> HashMap<u32, usize> {
    let mut sizes: HashMap<u32, usize> = HashMap::new();
    for layer in &trace.layers {
        let mut own: HashMap<u32, usize> = HashMap::new();
        for &channel in layer.made.iter() {
            *own.entry(trace.channels.root(channel)).or_default() += 1;
        }
        for (root, count) in own {
            let size = sizes.entry(root).or_default();
            *size = count.max(*size);
        }
    }
    sizes
}

#[cfg(test)]
mod tests;
