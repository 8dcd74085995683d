//! What a probe measured of a machine.

use edgefit_base::units::format;
use edgefit_device::gpu::Reading;
use edgefit_device::{Gpus, Profile};
use edgefit_probe::Probed;

use super::profile::profile;

/// The profile, the GPUs, and how well predictions from it are.
pub fn probed(probed: &Probed) -> String {
    let Probed {
        profile: found,
        gpus,
    } = probed;
    format!(
        "{}\n{}{}",
        profile(found),
        gpu_lines(gpus),
        predictions(found)
    )
}

/// The memory of each engine, and how far predictions are off.
fn predictions(profile: &Profile) -> String {
    let mut lines = String::new();
    for process in &profile.process_memory {
        lines.push_str(&format!(
            "\n{}: a process takes {} before the model",
            process.engine,
            format::bytes(process.loaded.base_bytes)
        ));
    }
    for calibration in &profile.calibrations {
        lines.push_str(&format!(
            "\n{}: predicted latency was within {} on 9 of 10 of {} networks that it was not \
             measured on",
            calibration.engine,
            format::percent(calibration.error_p90),
            calibration.models
        ));
    }
    lines
}

fn gpu_lines(gpus: &Gpus) -> String {
    let mut lines: Vec<String> = gpus
        .gpus
        .iter()
        .enumerate()
        .map(|(index, gpu)| {
            let memory = match &gpu.memory_total_bytes {
                Reading::Value(bytes) => format::bytes(*bytes),
                Reading::Missing(reason) => reason.clone(),
            };
            let name = gpu.name.value().map_or("unnamed", String::as_str);
            format!("GPU {index}: {name}, memory {memory}")
        })
        .collect();
    lines.extend(gpus.reason.as_ref().map(|reason| format!("GPUs: {reason}")));
    lines.join("\n")
}
