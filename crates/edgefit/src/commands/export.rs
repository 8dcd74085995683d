//! `edgefit export`: an int8 model as a project in C99.

use edgefit::micro::c::{self, Exported};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use crate::c_project;
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
    let spinner = spinner("writing");
    let exported = c_project::write(
        &args.model,
        args.input_shape.as_ref(),
        profile.as_ref(),
        &args.name,
        &args.output,
    )?;
    drop(spinner);
    output.result(Exported::SCHEMA, &exported, || report::exported(&exported))?;
    Ok(Outcome::Yes)
}
