//! Outputs and loss of a model in eval mode.

use edgefit_burn::EvalModule;
use edgefit_graph::Graph;

use crate::error::Result;
use crate::prepare::source::Source;
use crate::prepare::targets::Targets;
use crate::stages::training::inputs::{Inputs, first_output};

/// Outputs (samples × outputs, row-major) and mean weighted loss of `module`, made from `graph`, on
/// clean samples, `batch` at a time.
///
/// # Errors
/// The module does not take the inputs.
pub fn evaluate(
    graph: &Graph,
    module: &EvalModule,
    source: &dyn Source,
    targets: &Targets,
    batch: usize,
) -> Result<(Vec<f32>, f64)> {
    let device = module.device();
    let inputs = Inputs::of(graph)?;
    let all: Vec<usize> = (0..source.len()).collect();
    let (mut outputs, mut loss) = (Vec::new(), 0.0);
    for samples in all.chunks(batch.max(1)) {
        let rows = source.rows(samples, 0)?;
        let values = inputs.of_rows(&rows, samples.len(), device)?;
        let made = first_output(module.forward(values)?, targets.outputs)?;
        outputs.extend(edgefit_burn::Value::from(made.clone()).to_vec()?);
        let sum = targets.rows(samples).loss(made, device)?;
        loss += f64::from(sum.into_scalar::<f32>());
    }
    Ok((outputs, loss / targets.mass().max(f64::MIN_POSITIVE)))
}
