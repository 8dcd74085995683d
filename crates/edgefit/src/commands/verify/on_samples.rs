//! `verify --engine micro|c|litert`: what a model becomes for microcontrollers.

use std::path::Path;

use anyhow::{Context, ensure};
use edgefit::assets::Cache;
use edgefit::graph::quantized::first_quantized;
use edgefit::graph::{Graph, ImageInput};
use edgefit::micro::target::Core;
use edgefit::micro::tflite::Planning;
use edgefit::micro::{InputBy, lower};
use edgefit::predict::SampleSet;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};
use edgefit::verify::cases::SAMPLES;
use edgefit::verify::{Emulated, IntegerEngine, IntegerTarget, OnSamples, Verdict};

use super::super::{discover, in_file, litert, loaded, threads};
use super::SCHEMA;
use crate::cli::{Giving, Verify};
use crate::tflite_file::float_file;

pub fn run(args: &Verify, engine: IntegerEngine, output: &mut Output) -> anyhow::Result<Outcome> {
    refuse_the_rest(args, engine)?;
    let graph = loaded(&args.model, args.input_shape.as_ref())?;
    let samples = args.data.as_deref().or(args.inputs.as_deref());
    let samples = samples.with_context(|| {
        format!(
            "--engine {engine} compares on samples; give them with --data DIR or --inputs FILE.npz"
        )
    })?;
    let verdict = if engine == IntegerEngine::LiteRt && first_quantized(&graph).is_none() {
        let file = float_file(&args.model, &graph, Planning::InFile)?;
        let process = litert()?;
        let report = on_samples(args, (graph, samples), output, |on| {
            on.floats(&file, &process)
        })?;
        output.result(SCHEMA, &report, || report::litert(&report))?;
        report.verdict
    } else {
        let profile = args.device.as_deref().map(edgefit::device::find);
        let (profile, library) = (profile.transpose()?, args.library.open()?);
        let process;
        let target = match (engine, &profile) {
            (IntegerEngine::Micro, _) => IntegerTarget::Reference,
            (IntegerEngine::C, None) => anyhow::bail!(
                "--engine c runs on an emulated core; say which device it is for with --device, such as stm32h743"
            ),
            (IntegerEngine::C, Some(profile)) => IntegerTarget::C(Emulated {
                profile,
                core: Core::emulated(profile)?,
                input_by: InputBy::from(args.input.unwrap_or(Giving::Whole)),
                library: library.as_ref(),
            }),
            (IntegerEngine::LiteRt, _) => {
                process = litert()?;
                IntegerTarget::LiteRt(&process)
            }
        };
        let program = lower(&graph).map_err(in_file(&args.model))?;
        let report = on_samples(args, (graph, samples), output, |on| {
            on.integers(&program, target)
        })?;
        output.result(SCHEMA, &report, || report::integers(&report))?;
        report.verdict
    };
    Ok((verdict == Verdict::Agree).into())
}

/// Compares the model on the samples that lie at a path.
fn on_samples<T>(
    args: &Verify,
    (mut graph, samples): (Graph, &Path),
    output: &mut Output,
    compare: impl FnOnce(OnSamples) -> edgefit::verify::Result<T>,
) -> anyhow::Result<T> {
    if let Some(name) = args.preprocessing {
        ImageInput::prepare_by(&mut graph, name).map_err(in_file(&args.model))?;
    }
    let _ = discover(&Cache::of_user()?);
    let spinner = spinner("comparing");
    let set = SampleSet::open(samples, &graph, None, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })
    .map_err(in_file(&args.model))?;
    Ok(compare(OnSamples {
        path: &args.model,
        graph: &graph,
        set: &set,
        samples: args.samples.map_or(SAMPLES, |samples| samples as usize),
        threads: threads(args.threads),
    })?)
}

/// Refuses options of the comparison of engines.
fn refuse_the_rest(args: &Verify, engine: IntegerEngine) -> anyhow::Result<()> {
    let is_other = engine != IntegerEngine::C;
    let given = [
        ("--against", args.against.is_some()),
        ("--reduce", args.reduce.is_some()),
        ("--tolerance", !args.tolerance.is_empty()),
        ("--split", args.split.is_some()),
        ("--labels", args.labels.is_some()),
        ("--device", is_other && args.device.is_some()),
        ("--input", is_other && args.input.is_some()),
        ("--cmsis-nn", is_other && args.library.cmsis_nn.is_some()),
        ("--esp-nn", is_other && args.library.esp_nn.is_some()),
    ];
    for (option, given) in given {
        ensure!(
            !given,
            "--engine {engine} compares a model with what is made of it; leave out {option}"
        );
    }
    Ok(())
}
