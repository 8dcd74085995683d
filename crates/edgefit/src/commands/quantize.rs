//! `edgefit quantize`: a float model into an int8 one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use edgefit::assets::Cache;
use edgefit::base::file;
use edgefit::base::hash::sha256_hex;
use edgefit::engine::{InProcess, fastest};
use edgefit::graph::{Graph, ImageInput, Task};
use edgefit::predict::SampleSet;
use edgefit::quant::{
    Calibrated, Chosen, Fallback, Files, Limits, Provenance, Report, Scheme, Validation, draw,
    execution_of, guard, shuffled,
};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use super::{discover, in_file, scheme, threads};
use crate::cli::Quantize;
use crate::output::{Outcome, Output};

/// The samples of a model, and which of them are for what.
struct Samples {
    set: SampleSet,
    calibration: Vec<usize>,
    validation: Vec<usize>,
}

pub fn run(args: Quantize, output: &mut Output) -> anyhow::Result<Outcome> {
    let path = match (&args.model, &args.run) {
        (Some(model), _) => model.clone(),
        (None, Some(run)) => run.join("model.onnx"),
        (None, None) => bail!("give a model or --run"),
    };
    let scheme = wanted_scheme(&args)?;
    let mut graph = Graph::load(&path)?;
    if let Some(name) = args.preprocessing {
        let preprocessing = ImageInput::of(&graph).and_then(|input| input.preprocessing(name));
        preprocessing.map_err(in_file(&path))?.store(&mut graph);
    }
    let is_classifier = Task::of(&graph)
        .map_err(in_file(&path))?
        .is_none_or(|task| task == Task::Classes);
    let mut spinner = spinner("reading samples");
    let samples = samples(&args, &graph, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })?;
    let calibration = Chosen::new(&samples.set, samples.calibration);
    let validation = Chosen::new(&samples.set, samples.validation);
    calibration.check_differ()?;
    let _ = discover(&Cache::of_user()?);
    let engine = InProcess::new(fastest(), threads(args.threads));
    let mut engine = engine.with_execution(execution_of(&scheme));
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
        seed: args.seed,
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

fn samples(args: &Quantize, graph: &Graph, warn: &mut dyn FnMut(&str)) -> anyhow::Result<Samples> {
    let calibration = args.calibration as usize;
    if let Some(run) = &args.run {
        return of_run(run, graph, args, warn);
    }
    let path = args.data.as_ref().or(args.inputs.as_ref());
    let path = path.context("give samples with --data or --inputs")?;
    let set = SampleSet::open(path, graph, None, warn)?;
    let (calibration, validation) = draw(set.samples().len(), calibration, args.seed);
    Ok(Samples {
        set,
        calibration,
        validation,
    })
}

/// The samples that a run trained on calibrate, those of its validation split are compared on.
fn of_run(
    run: &Path,
    graph: &Graph,
    args: &Quantize,
    warn: &mut dyn FnMut(&str),
) -> anyhow::Result<Samples> {
    let (data, splits) = edgefit::train::data_of_run(run)?;
    let train: BTreeSet<String> = splits.train.into_iter().collect();
    let val: BTreeSet<String> = splits.val.into_iter().collect();
    let wanted: BTreeSet<String> = train.union(&val).cloned().collect();
    let set = SampleSet::open(&data, graph, Some(&wanted), warn)?;
    let of = |split: &BTreeSet<String>| -> Vec<usize> {
        let samples = set.samples().iter().enumerate();
        let of_split = samples.filter(|(_, sample)| split.contains(&sample.name));
        of_split.map(|(index, _)| index).collect()
    };
    let (train, validation) = (of(&train), of(&val));
    ensure!(
        !train.is_empty() && !validation.is_empty(),
        "{} holds none of the samples of {}; give them with --data",
        data.display(),
        run.display()
    );
    let drawn = shuffled(train.len(), args.seed);
    let calibration = drawn.into_iter().take(args.calibration as usize);
    Ok(Samples {
        set,
        calibration: calibration.map(|at| train[at]).collect(),
        validation,
    })
}
