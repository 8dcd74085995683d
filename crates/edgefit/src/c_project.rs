//! What the commands share that write a model as a project in C99.

use std::path::Path;

use anyhow::ensure;
use edgefit::micro::InputBy;
use edgefit::micro::c::{self, Exported, Library, Name, Parts};
use edgefit::micro::patch::{Layout, Patching, Placed};

use crate::cli::InputShape;
use crate::commands::{in_file, integer_program};

/// Writes the model in a file, with its input of that shape where the model leaves it open, as a project into the
/// folder `output`.
pub fn write(
    model: &Path,
    shape: Option<&InputShape>,
    (layout, name, library): (Layout, &Name, Option<&Library>),
    output: &Path,
) -> anyhow::Result<Exported> {
    c::ensure_free(output)?;
    let (_, program) = integer_program(model, shape)?;
    ensure!(
        layout.input_by == InputBy::Whole || layout.patching != Patching::Never,
        "--input parts asks for what patches work on; leave out --patches never"
    );
    let layout = library
        .map_or(Ok(layout), |library| library.layout(layout))
        .map_err(in_file(model))?;
    let placed = Placed::new(program, layout).map_err(in_file(model))?;
    let parts = Parts {
        program: &placed.program,
        plan: &placed.plan,
        name,
        library,
    };
    let files = c::project(parts);
    c::write(&files, output)?;
    Ok(Exported {
        device: layout.device.map(|profile| profile.name.clone()),
        patches: placed.patches,
        ..Exported::of(parts, &files, [model, output])
    })
}
