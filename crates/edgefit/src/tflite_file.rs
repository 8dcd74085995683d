//! What the commands share that write a model as a LiteRT model.

use std::path::Path;

use edgefit::base::file::{ensure_place, write_atomically};
use edgefit::graph::Graph;
use edgefit::graph::quantized::first_quantized;
use edgefit::micro::lower;
use edgefit::micro::tflite::{self, Exported, FloatFile, Planning};

use crate::cli::InputShape;
use crate::commands::{in_file, loaded};

/// Writes the model in a file as a LiteRT model to `output`: of integers, where it is quantised, else of floats.
pub fn write(
    model: &Path,
    shape: Option<&InputShape>,
    planning: Planning,
    output: &Path,
) -> anyhow::Result<Exported> {
    ensure_place(output)?;
    let graph = loaded(model, shape)?;
    if first_quantized(&graph).is_none() {
        let file = float_file(model, &graph, planning)?;
        write_atomically(output, |to| to.write_all(&file.bytes))?;
        return Ok(Exported::of_floats(&file, [model, output]));
    }
    let program = lower(&graph).map_err(in_file(model))?;
    let file = tflite::file(&program, planning).map_err(in_file(model))?;
    write_atomically(output, |to| to.write_all(&file.bytes))?;
    Ok(Exported::of(&program, &file, [model, output]))
}

/// The LiteRT model of a graph of floats; errors name its file.
pub fn float_file(model: &Path, graph: &Graph, planning: Planning) -> anyhow::Result<FloatFile> {
    tflite::float_file(graph, planning).map_err(in_file(model))
}
