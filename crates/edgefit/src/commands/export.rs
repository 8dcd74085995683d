//! `edgefit export`: an int8 model as a project in C99.

use edgefit::micro::ArenaPlan;
use edgefit::micro::c::{self, Exported, Parts};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use super::{in_file, integer_program};
use crate::cli::{Export, ExportFormat};
use crate::output::{Outcome, Output};

pub fn run(args: Export, output: &mut Output) -> anyhow::Result<Outcome> {
    let ExportFormat::C = args.to;
    c::ensure_free(&args.output)?;
    let profile = args
        .device
        .as_deref()
        .map(edgefit::device::find)
        .transpose()?;
    let (_, program) = integer_program(&args.model, args.input_shape.as_ref())?;
    let plan = match &profile {
        Some(profile) => ArenaPlan::over(&program, profile).map_err(in_file(&args.model))?,
        None => ArenaPlan::in_one(&program),
    };
    let spinner = spinner("writing");
    let parts = Parts {
        program: &program,
        plan: &plan,
        name: &args.name,
    };
    let files = c::project(parts);
    c::write(&files, &args.output)?;
    drop(spinner);
    let exported = Exported {
        device: profile.map(|profile| profile.name),
        ..Exported::of(parts, &files, [&args.model, &args.output])
    };
    output.result(Exported::SCHEMA, &exported, || report::exported(&exported))?;
    Ok(Outcome::Yes)
}
