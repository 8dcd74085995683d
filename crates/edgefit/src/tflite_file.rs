//! What the commands share that write a model as a LiteRT model.

use std::path::Path;

use edgefit::base::file::{ensure_place, write_atomically};
use edgefit::micro::tflite::{self, Exported};

use crate::cli::InputShape;
use crate::commands::{in_file, integer_program};

/// Writes the model in a file as a LiteRT model to `output`.
pub fn write(model: &Path, shape: Option<&InputShape>, output: &Path) -> anyhow::Result<Exported> {
    ensure_place(output)?;
    let (_, program) = integer_program(model, shape)?;
    let file = tflite::file(&program).map_err(in_file(model))?;
    write_atomically(output, |to| to.write_all(&file.bytes))?;
    Ok(Exported::of(&program, &file, [model, output]))
}
