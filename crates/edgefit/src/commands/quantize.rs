//! `edgefit quantize`: a float model into an int8 one.

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::base::file;
use edgefit::base::hash::sha256_hex;
use edgefit::engine::{InProcess, fastest};
use edgefit::quant::{
    Calibrated, Chosen, Fallback, Files, Limits, Provenance, Report, Scheme, Validation,
    execution_of, guard,
};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use super::sample_sets::{SampleSets, is_classifier, load, model_path};
use super::{discover, in_file, scheme, threads};
use crate::cli::Quantize;
use crate::output::{Outcome, Output};

pub fn run(args: Quantize, output: &mut Output) -> anyhow::Result<Outcome> {
    args.html.ensure_place()?;
    let path = model_path(args.model.as_deref(), &args.samples)?;
    let scheme = wanted_scheme(&args)?;
    let graph = load(&path, &args.samples)?;
    let is_classifier = is_classifier(&graph).map_err(in_file(&path))?;
    let mut spinner = spinner("reading samples");
    let samples = SampleSets::open(&args.samples, &graph, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })?;
    let calibration = Chosen::new(&samples.set, samples.calibration);
    let validation = Chosen::new(&samples.set, samples.validation);
    calibration.check_differ()?;
    let _ = discover(&Cache::of_user()?);
    let engine = InProcess::new(fastest(), threads(args.threads));
    let mut engine = engine.with_execution(execution_of(&scheme.name));
    spinner.tell("calibrating");
    let calibrated =
        Calibrated::new(&graph, &scheme, &calibration, &mut engine).map_err(in_file(&path))?;
    spinner.tell("comparing");
    let classes = validation.classes();
    let limits = Limits {
        max_drop: args.max_drop,
        min_sqnr_db: args.min_sqnr,
        fallback: if args.all_int8 {
            Fallback::None
        } else {
            Fallback::Float
        },
    };
    let compared = Validation {
        samples: &validation,
        labels: is_classifier.then_some(classes.as_slice()),
    };
    let mut guarded = guard(&calibrated, &compared, limits, &mut engine).map_err(in_file(&path))?;
    let provenance = Provenance {
        scheme: scheme.name.clone(),
        calibration_samples: calibration.len(),
        seed: args.samples.seed,
        float_sha256: sha256_hex(&file::read(&path)?),
    };
    provenance.store(&mut guarded.quantized.graph);
    guarded.quantized.graph.save(&args.output)?;
    drop(spinner);
    if let Some(dtype) = calibrated.widened {
        output.warn(&format!(
            "{}: its {dtype:?} floats were computed in 32 bits",
            path.display()
        ));
    }
    let files = Files {
        float_bytes: std::fs::metadata(&path)?.len(),
        float: path,
        model_bytes: std::fs::metadata(&args.output)?.len(),
        model: args.output,
    };
    let report = Report::of(&calibrated, &guarded, files, provenance, fastest());
    output.result(Report::SCHEMA, &report, || report::quantization(&report))?;
    args.html.write(Report::SCHEMA, &report)?;
    Ok(report.is_kept.into())
}

/// The scheme that was asked for, else that of the device's engine.
fn wanted_scheme(args: &Quantize) -> anyhow::Result<Scheme> {
    if let Some(name) = &args.scheme {
        return scheme::find(name);
    }
    let profile = edgefit::device::find(args.device.as_deref().unwrap_or("host"))?;
    let engine = match &args.engine {
        Some(name) => profile
            .engines
            .iter()
            .find(|engine| engine.name.as_str() == name),
        None => profile
            .engines
            .iter()
            .find(|engine| engine.scheme.is_some()),
    };
    let named: Vec<&str> = profile
        .engines
        .iter()
        .map(|engine| engine.name.as_str())
        .collect();
    let known = || format!("{} has {}", profile.name, named.join(", "));
    let engine = engine.with_context(|| match &args.engine {
        Some(name) => format!("no engine '{name}': {}", known()),
        None => format!(
            "no engine of {} says what it wants of int8 models; name a scheme with --scheme",
            profile.name
        ),
    })?;
    let scheme = engine.scheme.as_deref().with_context(|| {
        format!(
            "{} on {} wants no int8 models; name another engine with --engine, or a scheme with --scheme",
            engine.name, profile.name
        )
    })?;
    scheme::find(scheme)
}
