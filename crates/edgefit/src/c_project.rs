//! What the commands share that write a model as a project in C99.

use std::path::Path;

use edgefit::device::Profile;
use edgefit::micro::ArenaPlan;
use edgefit::micro::c::{self, Exported, Name, Parts};

use crate::cli::InputShape;
use crate::commands::{in_file, integer_program};

/// Writes the model in a file as a project for `device` into the folder `output`.
pub fn write(
    model: &Path,
    shape: Option<&InputShape>,
    device: Option<&Profile>,
    name: &Name,
    output: &Path,
) -> anyhow::Result<Exported> {
    c::ensure_free(output)?;
    let (_, program) = integer_program(model, shape)?;
    let plan = match device {
        Some(profile) => ArenaPlan::over(&program, profile).map_err(in_file(model))?,
        None => ArenaPlan::in_one(&program),
    };
    let parts = Parts {
        program: &program,
        plan: &plan,
        name,
    };
    let files = c::project(parts);
    c::write(&files, output)?;
    Ok(Exported {
        device: device.map(|profile| profile.name.clone()),
        ..Exported::of(parts, &files, [model, output])
    })
}
