//! `edgefit export`: an int8 model as a project in C99.

use std::path::Path;

use edgefit::graph::Graph;
use edgefit::graph::rewrite::{fix_input, lift_constants};
use edgefit::micro::c::{self, Exported, Parts};
use edgefit::micro::{ArenaPlan, Program, lower};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use super::in_file;
use crate::cli::{Export, ExportFormat, InputShape};
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

/// The model in a file, and its integer program; errors name the file.
pub fn integer_program(
    path: &Path,
    shape: Option<&InputShape>,
) -> anyhow::Result<(Graph, Program)> {
    let mut graph = Graph::load(path)?;
    lift_constants(&mut graph);
    if let Some(shape) = shape {
        fix_input(&mut graph, &shape.0).map_err(in_file(path))?;
    }
    let program = lower(&graph).map_err(in_file(path))?;
    Ok((graph, program))
}
