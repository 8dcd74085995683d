//! What each stage trains, and at which rates.

use std::collections::{BTreeMap, HashSet};

use edgefit_cost::Costs;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::rewrite::{Boundary, boundaries, extract};
use edgefit_graph::{Dim, Graph, ValueInfo, trainable_parameters};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fit::{Ended, Epoch, Watch};
use crate::recipe::{Normalization, StageName, StageRecipe};

/// A stage that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Which one.
    pub name: StageName,
    /// Highest learning rate of the head, after the search for it.
    pub rate: f64,
    /// Whether it was better on the validation samples than all before it, so that its weights are
    /// the ones that are used.
    pub kept: bool,
    /// The node behind which everything was trained; the input, if not given.
    pub frozen_to: Option<String>,
    /// Parameters that it trained.
    pub parameters: usize,
    /// The epoch whose weights it offers, counted from 1; 0 is the start.
    pub best_epoch: usize,
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// Why it ended.
    pub ended: Ended,
    /// Share of the validation samples that its best weights get right; `None` for numbers.
    pub val_accuracy: Option<f64>,
    /// Loss of its best weights on the validation samples.
    pub val_loss: f64,
    /// Peak resident set of the process at its end, where the system says.
    pub peak_bytes: Option<u64>,
    /// How long it took, without what it took before an interruption.
    pub duration_ns: u64,
}

impl Stage {
    /// Whether it is better than another: more samples right, or as many with a lower loss.
    pub(crate) fn beats(&self, other: &Stage) -> bool {
        let accuracy = |stage: &Stage| stage.val_accuracy.unwrap_or(0.0);
        match accuracy(self).total_cmp(&accuracy(other)) {
            std::cmp::Ordering::Equal => self.val_loss < other.val_loss,
            order => order.is_gt(),
        }
    }
}

/// A stage, with what the guards want to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub stage: Stage,
    pub watch: Watch,
}

/// Share of the multiply-accumulates that may lie behind the freeze boundary which is taken by
/// itself.
const TOP_SHARE: f64 = 0.2;

/// The two sides of a freeze boundary.
pub(crate) struct Frozen {
    /// Name of the node in front of the boundary.
    pub node: String,
    /// From the inputs to the boundary.
    pub prefix: Graph,
    /// From the boundary to the outputs.
    pub suffix: Graph,
}

/// Cuts `graph` at the node `choice`, or where at most a fifth of the work is left. `None` if there
/// is no such place in front of the features `head`.
///
/// # Errors
/// The node that was chosen is no place to cut; the error names some that are.
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
                nodes.iter().map(|node| node.macs).sum::<u64>() as f64
            };
            places
                .iter()
                .find(|place| behind(place) <= TOP_SHARE * total)
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

/// The weights of `graph` that a stage trains, with the share of the rate that each gets: 1 for those
/// of the `head`, and less the nearer a node lies to the input.
pub(crate) fn trained(
    graph: &Graph,
    stage: StageName,
    recipe: &StageRecipe,
    head: &HashSet<String>,
) -> BTreeMap<String, f64> {
    let frozen: HashSet<&str> = match recipe.normalization {
        Normalization::Batch => HashSet::new(),
        Normalization::Frozen => graph
            .nodes
            .iter()
            .filter(|node| node.op == "BatchNormalization")
            .flat_map(|node| node.present_inputs().skip(1))
            .collect(),
    };
    let parameters = trainable_parameters(graph);
    let first = parameters.iter().map(|(node, _)| *node).min().unwrap_or(0);
    let last = graph.nodes.len().saturating_sub(1).max(first + 1);
    let share = |node: usize| {
        let depth = (last - node) as f64 / (last - first) as f64;
        recipe.backbone_rate * recipe.depth_decay.powf(depth)
    };
    parameters
        .into_iter()
        .filter(|(_, name)| !frozen.contains(name))
        .map(|(node, name)| {
            let share = match stage == StageName::Probe || head.contains(name) {
                true => 1.0,
                false => share(node),
            };
            (name.to_owned(), share)
        })
        .collect()
}
