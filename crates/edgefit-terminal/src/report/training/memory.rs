//! The memory of training, in words.

use edgefit_base::units::format;
use edgefit_train::stages::stage_memory::StageMemory;

/// The memory of a stage, predicted and measured.
pub(super) fn of_stage(stage: &StageMemory) -> String {
    let measured = stage.measured_peak_bytes.map_or(String::new(), |bytes| {
        format!(", {} measured", format::bytes(bytes))
    });
    let twice = match stage.recomputed {
        0.0 => String::new(),
        share => format!(
            ", {:.0} % of the forward pass computed twice",
            100.0 * share
        ),
    };
    format!(
        "memory of stage {} at batch {}: {} predicted{measured}{twice}, {} free; the largest batch that fits is {}",
        stage.stage,
        stage.batch,
        format::bytes(stage.predicted_bytes),
        format::bytes(stage.available_bytes),
        stage.largest_batch,
    )
}
