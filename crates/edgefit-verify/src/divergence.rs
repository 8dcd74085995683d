//! The node at which two sides part.

use edgefit_engine::Array;
use edgefit_graph::Graph;
use serde::Serialize;

use crate::compare::Pair;
use crate::value_statistics::Statistics;

/// The node at which two sides part.
#[derive(Debug, Clone, Serialize)]
pub struct Divergence {
    /// Name of the node, or of its output.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Its output that differs.
    pub value: String,
    /// How far that is apart in the whole model.
    pub difference: Option<Pair>,
    /// How far it is apart when both sides compute the node from the same inputs. Beyond the tolerance,
    /// the node is the culprit; within it, or `None`, the node is the first where errors from before
    /// add up to more than the tolerance.
    pub alone: Option<Pair>,
    /// The nodes of the smallest part that reproduces it, where one does.
    pub nodes: Vec<String>,
    /// What the node reads: values as the second side computes them, and weights.
    pub inputs: Vec<Statistics>,
    /// Why, where it is known.
    pub cause: Option<String>,
    /// That part.
    #[serde(skip)]
    pub reduced: Option<ReducedModel>,
}

/// A part of a model that two sides compute differently.
#[derive(Debug, Clone)]
pub struct ReducedModel {
    /// On the first side.
    pub a: Graph,
    /// On the second.
    pub b: Graph,
    /// Its inputs by name.
    pub inputs: Vec<(String, Array)>,
}
