//! How far predictions are off, on networks that no rate was taken from.

use edgefit_base::statistics::{median, quantile};
use edgefit_cost::latency::calibrated;
use edgefit_device::calibration::Calibration;
use edgefit_device::rates::{Rate, RunSetup};
use edgefit_device::{ElementType, EngineId};
use edgefit_engine::EngineName;
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::error::Result;

/// Scales the rates of `engine` by the median ratio of measured to predicted latency of the
/// `networks`, whose p50 are `measured_ns`, and gives the error that remains: that of each network with
/// the median ratio of the others. Rates are left as they are where fewer than three networks
/// can be predicted.
///
/// # Errors
/// A network is not sound.
pub fn calibrate(
    engine: EngineName,
    threads: usize,
    rates: &mut [Rate],
    networks: &[Graph],
    measured_ns: &[u64],
) -> Result<Option<Calibration>> {
    let name = EngineId::from(engine.to_string());
    let setup = RunSetup {
        engine: &name,
        element_type: ElementType::F32,
        threads: threads as u32,
    };
    let mut ratios = Vec::new();
    for (graph, &measured) in networks.iter().zip(measured_ns) {
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        let latency = calibrated(graph, &inference, rates, setup);
        if let Some(latency) = latency.filter(|latency| latency.ns > 0) {
            ratios.push(measured as f64 / latency.ns as f64);
        }
    }
    if ratios.len() < 3 {
        return Ok(None);
    }
    let mut errors: Vec<f64> = (0..ratios.len())
        .filter_map(|left_out| {
            let others = (0..ratios.len()).filter(|&other| other != left_out);
            let scale = median(others.map(|other| ratios[other]))?;
            Some((scale / ratios[left_out] - 1.0).abs())
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    let models = ratios.len() as u32;
    let (Some(error_p90), Some(scale)) = (quantile(&errors, 0.9), median(ratios)) else {
        return Ok(None);
    };
    let calibration = Calibration {
        engine: name.clone(),
        element_type: ElementType::F32,
        threads: threads as u32,
        models,
        error_p90,
    };
    for rate in rates.iter_mut().filter(|rate| rate.engine == name) {
        for point in &mut rate.points {
            point.ns = (point.ns as f64 * scale).round() as u64;
        }
    }
    Ok(Some(calibration))
}
