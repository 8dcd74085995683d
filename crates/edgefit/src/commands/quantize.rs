//! `edgefit quantize`: a float model into an int8 one.

use edgefit::assets::Cache;
use edgefit::base::file;
use edgefit::engine::{InProcess, fastest};
use edgefit::quant::{
    Calibrated, Chosen, Fallback, Files, Limits, Provenance, Report, Scheme, Validation,
    execution_of, guard,
};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::sample_sets::{load, model_path, open, warn_widened};
use super::{discover, in_file, threads};
use crate::cli::Quantize;

pub fn run(args: Quantize, output: &mut Output) -> anyhow::Result<Outcome> {
    args.html.ensure_place()?;
    let change = args.change;
    file::ensure_place(&change.output)?;
    let path = model_path(&change)?;
    let float = edgefit::graph::ModelFiles::of(&path, &change.output)?;
    let scheme = match &args.scheme {
        Some(name) => Scheme::find(name)?,
        None => {
            let profile = edgefit::device::find(args.device.as_deref().unwrap_or("host"))?;
            Scheme::of_device(&profile, args.engine.as_deref())?
        }
    };
    let graph = load(&path, &change)?;
    let is_classifier = edgefit::graph::Task::is_classes(&graph).map_err(in_file(&path))?;
    let mut spinner = spinner("reading samples");
    let samples = open(&change, &graph, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })?;
    let calibration = Chosen::new(&samples.set, samples.calibration);
    let validation = Chosen::new(&samples.set, samples.validation);
    calibration.check_differ()?;
    let _ = discover(&Cache::of_user()?);
    let engine = InProcess::new(fastest(), threads(change.threads));
    let mut engine = engine.with_execution(execution_of(&scheme.name));
    let counted = spinner.count("calibrating", &calibration, calibration.len());
    let calibrated =
        Calibrated::new(&graph, &scheme, &counted, &mut engine).map_err(in_file(&path))?;
    let counted = spinner.count("comparing", &validation, validation.len());
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
        samples: &counted,
        labels: is_classifier.then_some(classes.as_slice()),
    };
    let mut guarded = guard(&calibrated, &compared, limits, &mut engine).map_err(in_file(&path))?;
    let provenance = Provenance {
        scheme: scheme.name.clone(),
        calibration_samples: calibration.len(),
        seed: change.seed,
        float_sha256: float.sha256,
    };
    provenance.store(&mut guarded.quantized.graph);
    guarded.quantized.graph.save(&change.output)?;
    drop(spinner);
    warn_widened(output, calibrated.widened, [&path, &change.output]);
    let files = Files {
        float_bytes: float.bytes,
        float: path,
        model_bytes: std::fs::metadata(&change.output)?.len(),
        model: change.output,
    };
    let report = Report::of(&calibrated, &guarded, files, provenance, fastest());
    output.result(Report::SCHEMA, &report, || report::quantization(&report))?;
    args.html.write(Report::SCHEMA, &report)?;
    Ok(report.is_kept.into())
}
