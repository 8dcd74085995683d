//! `edgefit export`: an int8 model as a project in C99, or as a LiteRT model.

use std::borrow::Cow;

use anyhow::{Context, ensure};
use edgefit::cost::Limits;
use edgefit::micro::c;
use edgefit::micro::patch::Layout;
use edgefit::micro::ram_limit::for_project;
use edgefit::micro::tflite::{self, Planning};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use crate::cli::{Export, ExportFormat, Giving, Patching};
use crate::{c_project, tflite_file};

pub fn run(args: Export, output: &mut Output) -> anyhow::Result<Outcome> {
    match args.to {
        ExportFormat::C => project(&args, output)?,
        ExportFormat::Tflite => file(&args, output)?,
    }
    Ok(Outcome::Yes)
}

fn project(args: &Export, output: &mut Output) -> anyhow::Result<()> {
    ensure!(!args.no_plan, "--no-plan is for --to tflite; leave it out");
    c::ensure_free(&args.output)?;
    let profile = args
        .device
        .as_deref()
        .map(edgefit::device::find)
        .transpose()?;
    let limits = Limits {
        ram_bytes: args.ram,
        ..Limits::default()
    };
    let limited = profile.as_ref().map(|profile| {
        for_project(profile, &limits).with_context(|| {
            format!(
                "--ram is for devices whose weights lie in flash, and those of {} do not; leave it out",
                profile.name
            )
        })
    });
    let limited = limited.transpose()?;
    if let (Some(_), Some(Cow::Borrowed(profile))) = (args.ram, &limited) {
        output.warn(&format!(
            "--ram is more than any memory bank of {} has; the project is laid out in its own banks",
            profile.name
        ));
    }
    let library = args.library.open()?;
    let spinner = spinner("writing");
    let layout = Layout {
        device: limited.as_deref(),
        patching: args.patches.into(),
        input_by: args.input.into(),
    };
    let name = args.name.clone().unwrap_or_default();
    let shape = args.input_shape.as_ref();
    let exported = c_project::write(
        &args.model,
        shape,
        (layout, &name, library.as_ref()),
        &args.output,
    )?;
    drop(spinner);
    output.result(c::Exported::SCHEMA, &exported, || {
        report::exported(&exported)
    })?;
    Ok(())
}

fn file(args: &Export, output: &mut Output) -> anyhow::Result<()> {
    let given = [
        ("--ram", args.ram.is_some()),
        ("--device", args.device.is_some()),
        ("--name", args.name.is_some()),
        ("--patches", args.patches != Patching::Auto),
        ("--input", args.input != Giving::Whole),
        ("--cmsis-nn", args.library.cmsis_nn.is_some()),
        ("--esp-nn", args.library.esp_nn.is_some()),
    ];
    for (option, given) in given {
        ensure!(
            !given,
            "--to tflite writes one file for every device; leave out {option}"
        );
    }
    let spinner = spinner("writing");
    let shape = args.input_shape.as_ref();
    let planning = if args.no_plan {
        Planning::ByInterpreter
    } else {
        Planning::InFile
    };
    let exported = tflite_file::write(&args.model, shape, planning, &args.output)?;
    drop(spinner);
    output.result(tflite::Exported::SCHEMA, &exported, || {
        report::exported_file(&exported)
    })?;
    Ok(())
}
