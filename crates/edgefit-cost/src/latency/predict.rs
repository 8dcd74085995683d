//! Time of one run on a device, from measured rates or from data-sheet peaks.

use std::collections::HashSet;

use edgefit_device::{ElementType, EngineId};
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use serde::Serialize;

use super::calibrated::calibrated;
use super::node_latency::{Latency, NodeLatency};
use super::roofline::Roofline;
use super::target::Target;
use super::work::Work;
use crate::basis::NeedBasis;
use crate::fused_steps::Steps;
use crate::stored_type::stored_type;

/// How far above the roofline a run may take. Engines reach from nearly all of a processor's peak,
/// in large dense convolutions, down to a tenth, in depthwise ones and in reference kernels.
const SLOWEST: f64 = 10.0;

/// Relative error of calibrated rates whose error was not measured.
const UNTESTED_ERROR: f64 = 0.5;

/// Largest relative error that the upper end of an interval is computed from.
const MOST_ERROR: f64 = 0.9;

/// Time of one run, and how well it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LatencyFigure {
    /// Most likely.
    pub ns: u64,
    /// Hardly less.
    pub low_ns: u64,
    /// Hardly more.
    pub high_ns: u64,
    /// How it is known.
    pub basis: NeedBasis,
    /// The engine, if the profile has one.
    pub engine: Option<EngineId>,
    /// Threads.
    pub threads: u32,
}

/// Predicts the time of a run on `target`; `None` where nothing is known of its speed, or ops are not
/// supported.
///
/// With measured rates for the engine, the element type and the threads, the interval is that of
/// their error on held-out models. Otherwise it is from the roofline itself to ten times as much,
/// and the middle of the two, as factors, is shown.
pub(crate) fn predict(
    graph: &Graph,
    inference: &Inference,
    target: Target,
) -> Option<(LatencyFigure, Latency)> {
    if !inference.unsupported.is_empty() {
        return None;
    }
    let roofline = Roofline::of(target);
    let width = width(graph, target.element_type);
    let figure = |ns: u64, low: f64, high: f64, basis| LatencyFigure {
        ns,
        low_ns: (ns as f64 / low) as u64,
        high_ns: (ns as f64 * high) as u64,
        basis,
        engine: target.engine.map(|engine| engine.name.clone()),
        threads: target.threads,
    };
    let measured = target.setup().and_then(|setup| {
        let profile = target.profile;
        profile.rates.iter().find(|rate| rate.setup() == setup)?;
        let latency = calibrated(graph, inference, &profile.rates, setup)?;
        let error = profile
            .calibrations
            .iter()
            .find(|found| found.setup() == setup)
            .map_or(UNTESTED_ERROR, |found| {
                found.error_p90.clamp(0.0, MOST_ERROR)
            });
        Some((latency, error))
    });
    if let Some((mut latency, error)) = measured {
        if let Some(roofline) = roofline {
            for node in &mut latency.nodes {
                node.bound = roofline.ns(node.macs, node.bytes, width).1;
            }
        }
        let (low, high) = (1.0 + error, 1.0 / (1.0 - error));
        let figure = figure(latency.ns, low, high, NeedBasis::Calibrated);
        return Some((figure, latency));
    }
    let roofline = roofline?;
    // At best, what runs inside another node moves no bytes of its own.
    let steps = Steps::of(graph, inference).steps;
    let leading: HashSet<usize> = steps
        .iter()
        .filter_map(|step| step.nodes.first().copied())
        .collect();
    let nodes: Vec<NodeLatency> = Work::of(graph, inference)
        .into_iter()
        .filter(|work| leading.contains(&work.node))
        .map(|work| {
            let (ns, bound) = roofline.ns(work.macs, work.bytes, width);
            let likely = (ns as f64 * SLOWEST.sqrt()) as u64;
            NodeLatency::new(graph, work, likely, bound)
        })
        .collect();
    let latency = Latency::of(nodes);
    let figure = figure(
        latency.ns,
        SLOWEST.sqrt(),
        SLOWEST.sqrt(),
        NeedBasis::Estimate,
    );
    Some((figure, latency))
}

/// Bytes of an element of `element` as a share of those of the values in `graph`, which are floats
/// also where they lie between the quantising nodes of a quantised model.
fn width(graph: &Graph, element: ElementType) -> f64 {
    let bytes = |element| match element {
        ElementType::F32 => 4.0,
        ElementType::F16 => 2.0,
        ElementType::Int8 => 1.0,
    };
    bytes(element)
        / match stored_type(graph) {
            ElementType::F16 => 2.0,
            ElementType::F32 | ElementType::Int8 => 4.0,
        }
}
