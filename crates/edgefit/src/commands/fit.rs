//! `edgefit fit`: the most accurate network that a device holds.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use edgefit::assets::Cache;
use edgefit::base::file::create_folder;
use edgefit::fit::{
    Choice, DevicesReport, Error, FitJob, NothingFits, Report, Target, fit, fit_each,
    is_for_several, resume, resume_each,
};
use edgefit::import::{Architecture, Checkpoint, Choices, weights_in};
use edgefit::micro::c::Name;
use edgefit::micro::patch::{Layout, Patching};
use edgefit::micro::tflite::{self, Planning};
use edgefit::micro::{InputBy, c};
use edgefit::terminal::progress::Bars;
use edgefit::terminal::{Outcome, Output, present_search, report};
use edgefit::train::{Job, StageName};
use serde::Serialize;

use crate::cli::{ExportFormat, Fit};
use crate::training::{Places, begin, set_up};
use crate::{c_project, tflite_file};

/// What a search found, and what was made of it.
#[derive(Serialize)]
struct Fitted {
    #[serde(flatten)]
    found: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<Firmware>,
}

/// What a search for several devices found, and what was made of it.
#[derive(Serialize)]
struct FittedEach {
    #[serde(flatten)]
    found: DevicesReport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    firmwares: Vec<Firmware>,
}

/// The chosen model in the form that was asked for.
#[derive(Serialize)]
#[serde(untagged)]
enum Firmware {
    Project(c::Exported),
    File(tflite::Exported),
}

impl Firmware {
    fn told(&self) -> String {
        match self {
            Firmware::Project(project) => report::exported(project),
            Firmware::File(file) => report::exported_file(file),
        }
    }
}

pub fn run(args: Fit, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = begin(output)?;
    let export = args.export;
    if let Some(run) = &args.resume {
        return if is_for_several(run) {
            let found = resume_each(run, &mut Bars::default())?;
            tell_each(found, export, output)
        } else {
            tell(resume(run, &mut Bars::default()), export, output)
        };
    }
    let jobs = jobs(args, &cache)?;
    if let [job] = jobs.as_slice() {
        return tell(fit(job, &mut Bars::default()), export, output);
    }
    let run = jobs[0].run.parent().unwrap_or(Path::new("."));
    let found = fit_each(run, &jobs, &mut Bars::default())?;
    tell_each(found, export, output)
}

/// Says what was found for one device.
fn tell(
    found: edgefit::fit::Result<Report>,
    export: Option<ExportFormat>,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    match found {
        Ok(found) => {
            let export = export.filter(|_| !found.results.interrupted);
            let firmware = export.and_then(|format| firmware(&found, format, output));
            present_search(&found.results.run, output);
            let is_done = !found.results.interrupted && firmware.is_some() == export.is_some();
            let fitted = Fitted { found, firmware };
            output.result(Report::SCHEMA, &fitted, || {
                let firmware = fitted.firmware.as_ref().map(Firmware::told);
                let parts = [Some(report::search(&fitted.found)), firmware];
                parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
            })?;
            Ok(is_done.into())
        }
        Err(Error::NothingFits(nearest)) => {
            let refusal = NothingFits::of(nearest);
            output.result(Report::SCHEMA, &refusal, || {
                report::nothing_fits(&refusal.nearest)
            })?;
            Ok(Outcome::No)
        }
        Err(error) => Err(error.into()),
    }
}

/// Says what was found for each of several devices.
fn tell_each(
    found: DevicesReport,
    export: Option<ExportFormat>,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let mut is_done = found.is_done();
    let export = export.filter(|_| !found.interrupted);
    let mut firmwares = Vec::new();
    for choice in &found.devices {
        let Choice::Found(one) = choice else {
            continue;
        };
        present_search(&one.results.run, output);
        let firmware = export.and_then(|format| firmware(one, format, output));
        is_done &= firmware.is_some() == export.is_some();
        firmwares.extend(firmware);
    }
    let fitted = FittedEach { found, firmwares };
    output.result(DevicesReport::SCHEMA, &fitted, || {
        let firmwares = fitted.firmwares.iter().map(Firmware::told);
        let parts = std::iter::once(report::searches(&fitted.found)).chain(firmwares);
        parts.collect::<Vec<_>>().join("\n")
    })?;
    Ok(is_done.into())
}

/// The chosen model in the form `format`; `None`, with a warning, where it has none.
fn firmware(found: &Report, format: ExportFormat, output: &mut Output) -> Option<Firmware> {
    let (run, model) = (&found.results.run, &found.results.exported.path);
    let write = || -> anyhow::Result<Firmware> {
        if format == ExportFormat::Tflite {
            let file = run.join("model-int8.tflite");
            let exported = tflite_file::write(model, None, Planning::InFile, &file)?;
            return Ok(Firmware::File(exported));
        }
        let folder = run.join("firmware");
        let layout = Layout {
            device: Some(&found.planned_for),
            patching: Patching::Auto,
            input_by: InputBy::Whole,
        };
        let exported = c_project::write(model, None, (layout, &Name::default(), None), &folder)?;
        Ok(Firmware::Project(exported))
    };
    write()
        .inspect_err(|error| output.warn(&format!("not exported: {error:#}")))
        .ok()
}

/// Refuses to search for a project or a LiteRT model with an engine that takes neither.
fn ensure_exportable(target: &Target) -> anyhow::Result<()> {
    let scheme = target.scheme.as_ref().map(|scheme| scheme.name.as_str());
    ensure!(
        scheme == Some("tflite"),
        "--export wants int8 models of scheme tflite, and the engine of {} takes {}; name another with \
         --engine",
        target.profile.name,
        scheme.unwrap_or("floats")
    );
    Ok(())
}

/// A search for each device, in a folder of its own where there are several.
fn jobs(args: Fit, cache: &Cache) -> anyhow::Result<Vec<FitJob>> {
    let (Some(data), Some(run)) = (args.data, args.output) else {
        bail!("give DATA, --device and --output, or --resume");
    };
    let c = args.export == Some(ExportFormat::C);
    let engine = args.engine.as_deref().or(c.then_some("c"));
    let limits = (&args.limits).into();
    let targets = Target::for_devices(&args.devices, engine, limits)?;
    if args.export.is_some() {
        targets.iter().try_for_each(ensure_exportable)?;
    }
    let Some(first) = targets.first() else {
        bail!("give --device, or --resume");
    };
    let backbones = if args.backbones.is_empty() {
        of_cache(cache, &run)?
    } else {
        args.backbones
    };
    let places = Places {
        data,
        backbone: PathBuf::new(),
        device: first.profile.clone(),
        run: run.clone(),
    };
    let mut training = Job {
        preprocessing: args.preprocessing,
        allow: args.allow.into_iter().collect(),
        ..set_up(args.setup, cache, places)?
    };
    if let Some(epochs) = args.epochs {
        training
            .recipe
            .each_stage(|stage| stage.epochs = epochs as usize);
    }
    // Without a head for the classes there is nothing to compare.
    training.stages = StageName::in_order(args.stages, &[StageName::Probe]);
    let is_one = targets.len() == 1;
    let search = |target: Target| FitJob {
        training: Job {
            device: target.profile.clone(),
            ..training.clone()
        },
        backbones: backbones.clone(),
        enough: args.target,
        run: if is_one {
            run.clone()
        } else {
            run.join(&target.profile.name)
        },
        target,
    };
    Ok(targets.into_iter().map(search).collect())
}

/// The architectures whose weights lie in the cache folder, imported beside the folder of the search's runs.
fn of_cache(cache: &Cache, run: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = weights_in(cache.root());
    ensure!(
        !found.is_empty(),
        "no weights of a known architecture lie in {}; give --backbone MODEL, an ONNX classifier (`edgefit \
         demo` makes one, `edgefit import` another)",
        cache.root().display()
    );
    let folder = run.with_extension("backbones");
    create_folder(&folder)?;
    let import = |(architecture, weights): (&Architecture, PathBuf)| {
        let path = folder.join(format!("{}.onnx", architecture.name));
        let checkpoint = Checkpoint::open(weights)?;
        architecture
            .import(&checkpoint, &Choices::default())?
            .graph
            .save(&path)?;
        Ok(path)
    };
    found.into_iter().map(import).collect()
}
