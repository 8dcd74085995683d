//! How far predictions are off, on networks that no rate was taken from.

use std::path::Path;

use edgefit_cost::latency::calibrated;
use edgefit_device::ElementType;
use edgefit_device::calibration::Calibration;
use edgefit_device::rates::Rate;
use edgefit_engine::EngineName;
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::error::Result;
use crate::footprint::InOwnProcess;

/// Times that a network is measured, far apart; the fastest counts, as for the rates.
const PASSES: usize = 2;

/// Runs `networks` in `engine`, scales its rates by the ratio that half of them lie above, and tells
/// the error that is left: that of each network with the ratio of the others.
///
/// # Errors
/// A network cannot be written to `folder`, or the engine fails.
pub fn calibrate(
    engine: EngineName,
    threads: usize,
    rates: &mut [Rate],
    networks: &[Graph],
    folder: &Path,
    run: InOwnProcess,
    mut advance: impl FnMut(),
) -> Result<Option<Calibration>> {
    let mut measured = vec![u64::MAX; networks.len()];
    let mut predicted = Vec::new();
    for pass in 0..PASSES {
        for (graph, fastest) in networks.iter().zip(&mut measured) {
            let path = folder.join("calibration.onnx");
            graph.save(&path)?;
            let shapes = InputShapes::bind(graph, 1, None)?;
            if pass == 0 {
                let inference = infer(graph, &shapes)?;
                let latency = calibrated(
                    graph,
                    &inference,
                    rates,
                    &engine.to_string(),
                    ElementType::F32,
                    threads as u32,
                );
                predicted.push(latency.map_or(0, |latency| latency.ns));
            }
            let dims: Vec<Vec<usize>> = shapes.0.into_iter().map(|(_, dims)| dims).collect();
            *fastest = run(engine, &path, &dims)?.p50_ns().min(*fastest);
            advance();
        }
    }
    let ratios: Vec<f64> = measured
        .iter()
        .zip(&predicted)
        .filter(|(_, predicted)| **predicted > 0)
        .map(|(measured, predicted)| *measured as f64 / *predicted as f64)
        .collect();
    if ratios.len() < 3 {
        return Ok(None);
    }
    let mut errors: Vec<f64> = (0..ratios.len())
        .map(|left_out| {
            let others = (0..ratios.len()).filter(|&other| other != left_out);
            let scale = median(others.map(|other| ratios[other]).collect());
            (scale / ratios[left_out] - 1.0).abs()
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    let scale = median(ratios.clone());
    for rate in rates
        .iter_mut()
        .filter(|rate| rate.engine == engine.to_string())
    {
        for point in &mut rate.points {
            point.ns = (point.ns as f64 * scale).round() as u64;
        }
    }
    Ok(Some(Calibration {
        engine: engine.to_string(),
        element_type: ElementType::F32,
        threads: threads as u32,
        models: ratios.len() as u32,
        error_p90: errors[(0.9 * errors.len() as f64).ceil() as usize - 1],
    }))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
