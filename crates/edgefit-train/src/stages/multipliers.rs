//! What a stage trains, and the learning-rate multiplier of each weight.

use std::collections::{BTreeMap, HashSet};

use edgefit_graph::{Graph, trainable_parameters};

use crate::config::recipe::{Normalization, StageRecipe};
use crate::config::stage_name::StageName;

/// The weights of `graph` that a stage trains, with their learning-rate multipliers: 1 for those of
/// the `head`, and less the nearer a node lies to the input.
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
    let multiplier = |node: usize| {
        let depth = (last - node) as f64 / (last - first) as f64;
        recipe.backbone_multiplier * recipe.depth_decay.powf(depth)
    };
    parameters
        .into_iter()
        .filter(|(_, name)| !frozen.contains(name))
        .map(|(node, name)| {
            let multiplier = if stage == StageName::Probe || head.contains(name) {
                1.0
            } else {
                multiplier(node)
            };
            (name.to_owned(), multiplier)
        })
        .collect()
}
