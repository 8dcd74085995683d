//! Time of one run on a device, from measured rates or from data-sheet peaks.

use std::collections::HashMap;

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
use crate::weight_types::computed_type;

/// Relative error of calibrated rates whose error was not measured.
const UNTESTED_ERROR: f64 = 0.5;

/// Largest relative error that the upper end of an interval is computed from.
const MOST_ERROR: f64 = 0.9;

/// Time of one run, and how well it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LatencyFigure {
    /// Most likely; `None` where the upper end is not known.
    pub ns: Option<u64>,
    /// Hardly less.
    pub low_ns: u64,
    /// Hardly more; `None` where something that takes time is not known of the device.
    pub high_ns: Option<u64>,
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
/// and the middle of the two, as factors, is shown. Where the profile has no bandwidth, or no time of a
/// kernel for an accelerator that computes, the interval has no upper end, and the times of the nodes are
/// the least.
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
    let figure = |ns: Option<u64>, low_ns: u64, high_ns: Option<u64>, basis| LatencyFigure {
        ns,
        low_ns,
        high_ns,
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
                node.bound = roofline.range(node.macs, node.bytes, width, 1).bound;
            }
        }
        let low = (latency.ns as f64 / (1.0 + error)) as u64;
        let high = (latency.ns as f64 / (1.0 - error)) as u64;
        let basis = NeedBasis::Calibrated;
        return Some((figure(Some(latency.ns), low, Some(high), basis), latency));
    }
    let roofline = roofline?;
    // At best, what runs inside another node moves no bytes of its own, and is no kernel.
    let steps = Steps::of(graph, inference).steps;
    let leading: HashMap<usize, usize> = steps
        .iter()
        .filter_map(|step| Some((*step.nodes.first()?, step.nodes.len())))
        .collect();
    let mut nodes = Vec::new();
    let (mut low, mut high) = (0u64, Some(0u64));
    for work in Work::of(graph, inference) {
        let Some(&fused) = leading.get(&work.node) else {
            continue;
        };
        let range = roofline.range(work.macs, work.bytes, width, fused);
        low = low.saturating_add(range.low_ns);
        high = high
            .zip(range.high_ns)
            .map(|(sum, ns)| sum.saturating_add(ns));
        let likely = range.likely_ns().unwrap_or(range.low_ns);
        nodes.push(NodeLatency::new(graph, work, likely, range.bound));
    }
    let latency = Latency::of(nodes);
    let likely = high.map(|_| latency.ns);
    Some((figure(likely, low, high, NeedBasis::Estimate), latency))
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
        / match computed_type(graph) {
            ElementType::F16 => 2.0,
            ElementType::F32 | ElementType::Int8 => 4.0,
        }
}
