//! What the commands share that write a model as a project in C99.

use std::path::Path;

use anyhow::ensure;
use edgefit::device::Profile;
use edgefit::micro::c::{self, Exported, Name, Parts};
use edgefit::micro::patch::{Placed, RESERVE_BYTES};
use edgefit::micro::{ArenaPlan, InputBy};

use crate::cli::{InputShape, Patching};
use crate::commands::{in_file, integer_program};

/// How a model is laid out.
pub struct Layout<'a> {
    /// Whole shape of its input, where the model leaves it open.
    pub shape: Option<&'a InputShape>,
    /// The device that it is for.
    pub device: Option<&'a Profile>,
    /// Whether its first steps may run in patches.
    pub patches: Patching,
    /// How the input comes to it.
    pub input_by: InputBy,
    /// What functions, macros and files begin with.
    pub name: &'a Name,
}

/// Writes the model in a file as a project into the folder `output`.
pub fn write(model: &Path, layout: Layout, output: &Path) -> anyhow::Result<Exported> {
    c::ensure_free(output)?;
    let (_, program) = integer_program(model, layout.shape)?;
    let input_by = layout.input_by;
    ensure!(
        input_by == InputBy::Whole || layout.patches != Patching::Never,
        "--input parts asks for what patches work on; leave out --patches never"
    );
    let whole = |plan| Placed::unpatched(program.clone(), plan);
    let placed = match (layout.device, layout.patches) {
        (Some(profile), Patching::Never) => ArenaPlan::over(&program, profile).map(whole),
        (Some(profile), Patching::Auto) => {
            Placed::over(&program, profile, (RESERVE_BYTES, input_by))
        }
        (None, Patching::Auto | Patching::Never) if input_by == InputBy::Whole => {
            Ok(whole(ArenaPlan::in_one(&program)))
        }
        (_, Patching::Smallest) | (None, _) => Placed::smallest(&program, input_by),
    };
    let placed = placed.map_err(in_file(model))?;
    let parts = Parts {
        program: &placed.program,
        plan: &placed.plan,
        name: layout.name,
    };
    let files = c::project(parts);
    c::write(&files, output)?;
    Ok(Exported {
        device: layout.device.map(|profile| profile.name.clone()),
        patches: placed.patches,
        ..Exported::of(parts, &files, [model, output])
    })
}
