//! [`Calibrated`]: a float model that was run over calibration samples, and is written as int8 from there.

use std::collections::{HashMap, HashSet};

use edgefit_engine::Engine;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::{DataType, Graph, Node, Tensor};
use edgefit_predict::Samples;
use serde::Serialize;

use crate::equalize::{Equalized, equalize};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::layer::quantized_layer;
use crate::nodes::is_weighted;
use crate::observe::{Detail, Observations, observe};
use crate::parameters::Parameters;
use crate::plan::Plan;
use crate::prepare::prepared;
use crate::qdq::written;
use crate::scheme::{Granularity, Scheme};
use crate::value_parameters::value_parameters;

/// A float model that is ready to be quantised, and what its values are on the calibration samples.
#[derive(Debug)]
pub struct Calibrated {
    /// The float model as it was given, in 32 bits: what the result is compared with.
    pub float: Graph,
    /// The float model with its batch normalisations folded, in ops that have integer kernels, its
    /// weights equalised where the scheme gives each a single scale.
    pub graph: Graph,
    /// Type of its floats, where they were not of 32 bits.
    pub widened: Option<DataType>,
    /// Pairs of layers that were equalised, the most first.
    pub equalized: Vec<Equalized>,
    scheme: Scheme,
    observed: Observations,
}

/// What became of a model.
#[derive(Debug)]
pub struct Quantized {
    /// The model in the QDQ format.
    pub graph: Graph,
    /// What runs on integers: of each fusion unit the labels of its nodes.
    pub groups: Vec<Vec<String>>,
    /// Nodes that compute on floats.
    pub float_nodes: Vec<FloatNode>,
}

/// A node that computes on floats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FloatNode {
    /// Its name.
    pub node: String,
    /// Its op.
    pub op: String,
    /// Why.
    pub reason: FloatReason,
}

/// Why a node computes on floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FloatReason {
    /// The guard keeps it so.
    Accuracy,
    /// The engine has no integer kernel for its op.
    NoIntegerKernel,
    /// No node next to it runs on integers, so it would only round.
    NoIntegerNeighbor,
    /// It reads or makes no floats, or its weights are not constants.
    OtherValues,
}

impl Calibrated {
    /// Prepares `graph` for `scheme` and runs it over `samples`: once, or twice where weights are
    /// equalised.
    ///
    /// # Errors
    /// The model is quantised already, holds nothing that the scheme quantises, or has an opset beyond it;
    /// there are no samples; the engine fails, or a value is NaN or infinite.
    pub fn new(
        graph: &Graph,
        scheme: &Scheme,
        samples: &dyn Samples,
        engine: &mut dyn Engine,
    ) -> Result<Self> {
        let prepared = prepared(graph, scheme)?;
        let mut graph = prepared.graph;
        let float = prepared.float;
        let first = first_plan(&graph, scheme)?;
        let mut equalized = Vec::new();
        if scheme.weight.granularity == Granularity::PerTensor {
            let ranges = observe(&graph, &first, Detail::Values, samples, engine)?;
            equalized = equalize(&mut graph, &ranges.values)?;
        }
        let observed = observe(&graph, &first, Detail::ValuesAndInputs, samples, engine)?;
        Ok(Calibrated {
            float,
            graph,
            widened: prepared.widened,
            equalized,
            scheme: scheme.clone(),
            observed,
        })
    }

    /// The same with weights and samples that are all 0: for the shape and the size of what is made of it, or
    /// to learn early whether `scheme` takes the model.
    ///
    /// # Errors
    /// As [`Calibrated::new`], but for those of samples.
    pub fn blank(graph: &Graph, scheme: &Scheme) -> Result<Self> {
        let prepared = prepared(graph, scheme)?;
        first_plan(&prepared.graph, scheme)?;
        let mut graph = prepared.graph;
        let weighted = graph.nodes.iter().filter(|node| is_weighted(node));
        let weights: Vec<String> = weighted
            .filter_map(|node| node.input(1).map(str::to_owned))
            .collect();
        for name in weights {
            if let Some(weight) = graph.initializers.get_mut(&name) {
                let zeros = vec![0f32; weight.elements()];
                *weight = Tensor::from_values(weight.dims().to_vec(), &zeros);
            }
        }
        Ok(Calibrated {
            float: prepared.float,
            graph,
            widened: prepared.widened,
            equalized: Vec::new(),
            scheme: scheme.clone(),
            observed: Observations::default(),
        })
    }

    /// The scheme it is for.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The model on integers, but for the nodes whose labels are in `kept_float`.
    ///
    /// # Errors
    /// A weight is not of floats.
    pub fn quantize(&self, kept_float: &HashSet<String>) -> Result<Quantized> {
        let (graph, scheme) = (&self.graph, &self.scheme);
        let plan = plan(graph, scheme, kept_float)?;
        let mut parameters = value_parameters(graph, &plan, scheme, &self.observed.values)?;
        let mut layers = HashMap::new();
        for group in &plan.groups {
            let node = &graph.nodes[group.node];
            if is_weighted(node) && has_weight(graph, node) {
                let layer =
                    quantized_layer(graph, group.node, scheme, &parameters, &self.observed)?;
                layers.insert(group.node, layer);
            } else if matches!(node.op.as_str(), "Add" | "Mul") {
                for (name, tensor) in constants(graph, node) {
                    let mut histogram = Histogram::default();
                    histogram.add(&tensor.to_f32()?);
                    let own = Parameters::of_histogram(&histogram, scheme);
                    parameters.entry(name.to_owned()).or_insert(own);
                }
            }
        }
        let made = written(graph, &plan, &parameters, &layers)?;
        Ok(Quantized {
            graph: made,
            groups: plan
                .groups
                .iter()
                .map(|group| group.labels(graph))
                .collect(),
            float_nodes: self.float_nodes(&plan, kept_float),
        })
    }

    fn float_nodes(&self, plan: &Plan, kept_float: &HashSet<String>) -> Vec<FloatNode> {
        let graph = &self.graph;
        let rescales = plan.rescales.iter().map(|rescale| rescale.node);
        let nodes = plan
            .groups
            .iter()
            .flat_map(|group| [Some(group.node), group.activation]);
        let integer: HashSet<usize> = nodes.flatten().chain(rescales).collect();
        let floats = graph.nodes.iter().enumerate();
        floats
            .filter(|(index, _)| !integer.contains(index))
            .map(|(index, node)| FloatNode {
                node: node.label().to_owned(),
                op: node.op.clone(),
                reason: self.reason(index, plan, kept_float),
            })
            .collect()
    }

    fn reason(&self, index: usize, plan: &Plan, kept_float: &HashSet<String>) -> FloatReason {
        let node = &self.graph.nodes[index];
        if kept_float.contains(node.label()) {
            FloatReason::Accuracy
        } else if !self.scheme.quantizes(node) || plan.written_out.contains(&index) {
            FloatReason::NoIntegerKernel
        } else if plan.islands.contains(&index) {
            FloatReason::NoIntegerNeighbor
        } else {
            FloatReason::OtherValues
        }
    }
}

fn has_weight(graph: &Graph, node: &Node) -> bool {
    node.input(1)
        .is_some_and(|name| graph.initializers.contains_key(name))
}

fn constants<'g>(graph: &'g Graph, node: &'g Node) -> Vec<(&'g str, &'g Tensor)> {
    let named = node.present_inputs();
    named
        .filter_map(|name| Some((name, graph.initializers.get(name)?)))
        .collect()
}

/// The plan with nothing kept float.
///
/// # Errors
/// There is nothing to quantise.
fn first_plan(graph: &Graph, scheme: &Scheme) -> Result<Plan> {
    let first = plan(graph, scheme, &HashSet::new())?;
    if first.groups.is_empty() {
        return Err(Error::NothingToQuantize {
            scheme: scheme.name.clone(),
            ops: scheme.quantized.join(", "),
        });
    }
    Ok(first)
}

fn plan(graph: &Graph, scheme: &Scheme, kept_float: &HashSet<String>) -> Result<Plan> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    Ok(Plan::of(graph, &inference, scheme, kept_float))
}
