//! A training problem.

use std::collections::BTreeMap;

use edgefit_burn::{Backend, Recomputation};
use edgefit_graph::Graph;

use crate::config::recipe::{Sampling, StageRecipe};
use crate::config::stage_name::StageName;
use crate::prepare::source::Source;
use crate::prepare::targets::Targets;
use crate::stages::training::teacher::Teacher;

/// A training problem: a graph, the weights of it that are trained, samples with their targets, and
/// the recipe.
pub struct Problem<'a> {
    /// From the inputs to the outputs.
    pub graph: &'a Graph,
    /// Names of the weights that are trained, with their learning-rate multipliers.
    pub trained: &'a BTreeMap<String, f64>,
    /// Inputs of the training samples.
    pub train: &'a dyn Source,
    /// Their targets.
    pub train_targets: &'a Targets,
    /// Inputs of the validation samples.
    pub val: &'a dyn Source,
    /// Their targets.
    pub val_targets: &'a Targets,
    /// How.
    pub recipe: &'a StageRecipe,
    /// Which samples an epoch consists of.
    pub sampling: Sampling,
    /// Seed of all random numbers.
    pub seed: u64,
    /// The stage that this is.
    pub stage: StageName,
    /// What burn trains with.
    pub backend: Backend,
    /// What its steps compute twice, to keep less.
    pub recomputation: Recomputation,
    /// Whose answers to the inputs of a step its targets hold a share of.
    pub teacher: Option<&'a Teacher>,
    /// Answers to the training samples that the targets hold a share of, as the recipe says.
    pub answers: Option<&'a dyn Source>,
}
