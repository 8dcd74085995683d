//! The guard: a quantised model that loses more than is allowed gets its most harmful layers back in floats.

use std::collections::{BTreeMap, HashSet};

use edgefit_base::spread;
use edgefit_base::statistics::Decision;
use edgefit_engine::Engine;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::ops::OpReader;
use edgefit_graph::{Graph, Node, Tensor};
use edgefit_predict::{Comparison, Outputs, Samples, outputs};
use serde::Serialize;

use crate::error::Result;
use crate::quantize::{Calibrated, Quantized};

/// Samples on which each group is tried alone, at even distances: those that lie beside each other are often of one
/// class.
const TRIED: usize = 32;

/// Share of the whole that a group without weights costs: the two conversions around it.
const LEAST_SHARE: f64 = 0.01;

/// What quantisation may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limits {
    /// Points of accuracy.
    pub max_drop: f64,
    /// Signal to noise of the outputs in dB, where there are no labels, or too few of them to tell.
    pub min_sqnr_db: f64,
    /// Whether layers may stay float to keep the limits.
    pub fallback: Fallback,
}

/// What is done where a limit is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// The layers that hurt most stay float.
    Float,
    /// Nothing.
    None,
}

/// Samples of their own to compare on, and their classes where they are known; of classifiers.
pub struct Validation<'a> {
    /// The samples.
    pub samples: &'a dyn Samples,
    /// The class of each; `None` for a model that is no classifier.
    pub labels: Option<&'a [Option<usize>]>,
}

/// A quantised model that was compared with its float model.
#[derive(Debug)]
pub struct Guarded {
    /// The model.
    pub quantized: Quantized,
    /// Against the float model.
    pub comparison: Comparison,
    /// The same with everything on integers that can be.
    pub all_int8: Comparison,
    /// Whether the limits are kept.
    pub is_kept: bool,
    /// What was allowed.
    pub limits: Limits,
    /// Groups that stay float, the most harmful for their cost first.
    pub kept_float: Vec<KeptFloat>,
}

/// A fusion group that stays float.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptFloat {
    /// Its nodes.
    pub nodes: Vec<String>,
    /// Signal to noise of the outputs if it alone is on integers, in dB: the lower, the more it hurts.
    pub alone_db: f64,
    /// Bytes that the file grows by.
    pub bytes: u64,
    /// Multiply-accumulates that are computed on floats.
    pub macs: u64,
}

/// Quantises, compares on `validation`, and where the `limits` are not kept lets groups stay float, those
/// first that hurt most for their bytes and multiply-accumulates. How many is found by bisection.
///
/// # Errors
/// The samples cannot be read, or the engine fails.
pub fn guard(
    calibrated: &Calibrated,
    validation: &Validation,
    limits: Limits,
    engine: &mut dyn Engine,
) -> Result<Guarded> {
    let float = outputs(&calibrated.float, validation.samples, engine)?;
    let attempt = |kept: &[KeptFloat], engine: &mut dyn Engine| -> Result<Attempt> {
        let nodes = kept.iter().flat_map(|group| group.nodes.iter().cloned());
        let quantized = calibrated.quantize(&nodes.collect())?;
        let made = outputs(&quantized.graph, validation.samples, engine)?;
        let comparison = Comparison::of(&float, &made, validation.labels);
        Ok(Attempt {
            is_kept: is_kept(&comparison, limits),
            quantized,
            comparison,
        })
    };
    let first = attempt(&[], engine)?;
    let all_int8 = first.comparison.clone();
    if first.is_kept || limits.fallback == Fallback::None {
        return Ok(first.guarded(all_int8, limits, Vec::new()));
    }
    let ranked = ranked(
        calibrated,
        &first.quantized,
        validation.samples,
        &float,
        engine,
    )?;
    // At least one group stays on integers, else it is the float model.
    let (mut too_few, mut enough) = (0, ranked.len().saturating_sub(1));
    let mut best = attempt(&ranked[..enough], engine)?;
    while too_few + 1 < enough {
        let middle = usize::midpoint(too_few, enough);
        let tried = attempt(&ranked[..middle], engine)?;
        if tried.is_kept {
            enough = middle;
            best = tried;
        } else {
            too_few = middle;
        }
    }
    let kept_float = ranked.into_iter().take(enough).collect();
    Ok(best.guarded(all_int8, limits, kept_float))
}

/// A model with some groups in floats, and how it does.
struct Attempt {
    quantized: Quantized,
    comparison: Comparison,
    is_kept: bool,
}

impl Attempt {
    fn guarded(self, all_int8: Comparison, limits: Limits, kept_float: Vec<KeptFloat>) -> Guarded {
        Guarded {
            limits,
            quantized: self.quantized,
            comparison: self.comparison,
            all_int8,
            is_kept: self.is_kept,
            kept_float,
        }
    }
}

/// A paired test of the accuracy decides; where it cannot, the outputs do.
fn is_kept(comparison: &Comparison, limits: Limits) -> bool {
    let decision = comparison
        .accuracy
        .map_or(Decision::Open, |accuracy| accuracy.decide(limits.max_drop));
    match decision {
        Decision::Exceeded => false,
        Decision::Kept => true,
        Decision::Open => comparison.sqnr_db >= limits.min_sqnr_db,
    }
}

/// Each group with the noise that it makes if it alone is on integers, the most for its cost first. So each
/// is judged by itself: where several are bad, no single one that stays float would help.
fn ranked(
    calibrated: &Calibrated,
    quantized: &Quantized,
    samples: &dyn Samples,
    float: &Outputs,
    engine: &mut dyn Engine,
) -> Result<Vec<KeptFloat>> {
    let costs = costs(&calibrated.graph)?;
    let whole = costs
        .values()
        .fold((1, 1), |whole, cost| (whole.0 + cost.0, whole.1 + cost.1));
    let places: Vec<usize> = spread(float.rows.len(), TRIED).collect();
    let tried = samples.some(&places)?;
    let float = Outputs {
        rows: places.iter().map(|&at| float.rows[at].clone()).collect(),
        first: float.first,
    };
    let all: HashSet<&String> = quantized.groups.iter().flatten().collect();
    let mut ranked = Vec::new();
    for nodes in &quantized.groups {
        let others = all.iter().filter(|node| !nodes.contains(node));
        let others = others.map(|node| (*node).clone()).collect();
        let made = calibrated.quantize(&others)?.graph;
        let made = outputs(&made, tried.as_ref(), engine)?;
        let alone_db = Comparison::of(&float, &made, None).sqnr_db;
        let of_nodes = nodes.iter().filter_map(|node| costs.get(node));
        let (bytes, macs) = of_nodes.fold((0, 0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1));
        let share = bytes as f64 / whole.0 as f64 + macs as f64 / whole.1 as f64;
        let noise = 10f64.powf(-alone_db / 10.0);
        let kept = KeptFloat {
            nodes: nodes.clone(),
            alone_db,
            bytes,
            macs,
        };
        ranked.push((noise / (share + LEAST_SHARE), kept));
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(ranked.into_iter().map(|(_, kept)| kept).collect())
}

/// Bytes that the weights of each node grow by as floats, and its multiply-accumulates.
fn costs(graph: &Graph) -> Result<BTreeMap<String, (u64, u64)>> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    let reader = OpReader::new(graph);
    let cost = |node: &Node| {
        let weights = node
            .present_inputs()
            .filter_map(|name| graph.initializers.get(name));
        let elements: usize = weights.map(Tensor::elements).sum();
        let output = node
            .outputs
            .first()
            .and_then(|output| inference.get(output));
        let macs = match (reader.read(node), output) {
            (Ok(op), Some(output)) => op.macs(&inference.inputs_of(node), output),
            _ => 0,
        };
        // Four bytes instead of one.
        (3 * elements as u64, macs)
    };
    let nodes = graph.nodes.iter();
    Ok(nodes
        .map(|node| (node.label().to_owned(), cost(node)))
        .collect())
}
