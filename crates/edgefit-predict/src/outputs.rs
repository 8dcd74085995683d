//! [`Outputs`]: what a graph makes of samples.

use edgefit_engine::{Array, Engine};
use edgefit_graph::Graph;

use crate::batches::{Samples, count};
use crate::error::{Error, Result};

/// The outputs of a graph for each sample, all of them behind each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    /// A row for each sample.
    pub rows: Vec<Vec<f32>>,
    /// How many numbers of a row are of the first output.
    pub first: usize,
}

/// Runs `graph` over `samples`.
///
/// # Errors
/// The engine fails, or an output has no row for each sample.
pub fn outputs(graph: &Graph, samples: &dyn Samples, engine: &mut dyn Engine) -> Result<Outputs> {
    engine.load(graph)?;
    let mut made = Outputs::default();
    for batch in samples.batches() {
        let batch = batch?;
        let samples = count(&batch);
        let start = made.rows.len();
        check_finite(graph, &batch, start)?;
        let outputs = engine.run(&batch)?;
        made.rows.resize(start + samples, Vec::new());
        for (index, output) in outputs.iter().enumerate() {
            let width = output.values.len() / samples.max(1);
            if width == 0 || output.dims.first() != Some(&samples) {
                return Err(Error::NoRows {
                    output: graph.outputs[index].name.clone(),
                    dims: output.dims.clone(),
                    samples,
                });
            }
            if index == 0 {
                made.first = width;
            }
            for (row, values) in made.rows[start..]
                .iter_mut()
                .zip(output.values.chunks(width))
            {
                row.extend_from_slice(values);
            }
        }
    }
    Ok(made)
}

/// Refuses inputs that are not finite: what comes of them says nothing of the model.
fn check_finite(graph: &Graph, batch: &[Array], seen: usize) -> Result<()> {
    for (input, array) in graph.free_inputs().zip(batch) {
        if let Some(at) = array.values.iter().position(|value| !value.is_finite()) {
            let width = array.values.len() / count(batch).max(1);
            let sample = seen + at / width.max(1) + 1;
            return Err(Error::non_finite(graph, &input.name, sample));
        }
    }
    Ok(())
}
