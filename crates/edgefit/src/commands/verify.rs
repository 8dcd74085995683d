//! `edgefit verify`: its arguments, the call, and what it prints.

mod integers;
pub mod litert;
mod litert_floats;
pub mod worker;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Context;
use edgefit::base::file::ensure_place;
use edgefit::base::units::format;
use edgefit::cost::memory_plan::{ElementType, MemoryPlan};
use edgefit::engine::child::Launch;
use edgefit::engine::{EngineName, Execution};
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::{fix_input, lift_constants};
use edgefit::graph::{Graph, ImageInput, labels};
use edgefit::quant::{Provenance, execution_of};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::train::{SplitFile, model_of_run};
use edgefit::verify::cases::{Case, HeldOut, ImageFolder, from_npz, synthetic};
use edgefit::verify::{
    Counterparts, ModelPaths, Models, Report, Setting, Verdict, output_tolerances, start, verify,
    with_names_of,
};

use super::{in_file, threads};
use crate::cli::{VerifiedEngine, Verify};
use crate::output::{Outcome, Output};

/// Name and version of the document.
const SCHEMA: &str = "edgefit.verify/1";

/// Samples, where nothing else is said.
const SAMPLES: usize = 8;

pub fn run(args: Verify, output: &mut Output) -> anyhow::Result<Outcome> {
    let engine = match args.engine {
        Some(VerifiedEngine::Integer(engine)) => {
            anyhow::ensure!(
                args.html.html.is_none(),
                "--html shows how engines of floats agree; leave it out with --engine micro and c"
            );
            return integers::run(&args, engine, output);
        }
        Some(VerifiedEngine::Float(engine)) => Some(engine),
        None => None,
    };
    anyhow::ensure!(
        args.device.is_none(),
        "--device is for --engine c, which runs on an emulated core; add that, or leave it out"
    );
    let model = in_file(&args.model);
    args.html.ensure_place()?;
    args.reduce.as_deref().map_or(Ok(()), ensure_place)?;
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    anyhow::ensure!(
        graph.free_inputs().next().is_some(),
        "{}: the model has no inputs, so there is nothing to compare; export it with its inputs",
        args.model.display()
    );
    let tolerances = output_tolerances(&graph, &args.tolerance).map_err(&model)?;
    let against = args.against.as_deref();
    let other = against.map(|path| load_other(path, &graph)).transpose()?;
    let (other, counterparts) = other.unzip();
    let cases = cases(&args, &graph, output)?;
    let (names, models) = match (engine, &other) {
        (Some(engine), Some(_)) => (vec![engine], Models::Two),
        (_, Some(_)) => (EngineName::ALL.to_vec(), Models::Two),
        (_, None) => (EngineName::ALL.to_vec(), Models::One),
    };
    let scheme = Provenance::of(&graph).map(|provenance| provenance.scheme);
    let execution = scheme.as_deref().map_or(Execution::Fused, execution_of);
    if let (Execution::NodeByNode, Some(scheme)) = (execution, &scheme) {
        output.warn(&format!(
            "{} is made for scheme {scheme}, whose integer kernels are not those of ONNX Runtime on this \
             processor: it runs node by node here, which gives what the integers of any engine give",
            args.model.display()
        ));
    }
    let launch = launch(threads(args.threads), execution)?;
    let participants = start(&names, engine, models, &launch, &mut |words| {
        output.warn(words);
    })?;
    let setting = Setting {
        graph: &graph,
        other: other.as_ref(),
        counterparts,
        tolerances: &tolerances,
        only: engine,
    };
    let paths = ModelPaths {
        model: &args.model,
        against,
    };
    let spinner = spinner("running the engines");
    let report = verify(&cases, &setting, participants, paths, &mut |words| {
        spinner.suspend(|| output.warn(words));
    });
    drop(spinner);
    let mut report = report.map_err(&model)?;
    if let Some(path) = &args.reduce {
        reduce(path, &mut report, models, output)?;
    }
    output.result(SCHEMA, &report, || report::verification(&report))?;
    args.html.write(SCHEMA, &report)?;
    Ok((report.verdict == Verdict::Agree).into())
}

/// The model in a file or of a run, its values called as those of `model`, and how many correspond.
fn load_other(path: &Path, model: &Graph) -> anyhow::Result<(Graph, Counterparts)> {
    let mut other = if path.is_dir() {
        model_of_run(path, model)?
    } else {
        Graph::load(path)?
    };
    lift_constants(&mut other);
    with_names_of(model, other).map_err(in_file(path))
}

/// How the process of an engine is started.
fn launch(threads: usize, execution: Execution) -> anyhow::Result<impl Fn(EngineName) -> Launch> {
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    Ok(move |engine: EngineName| {
        let engine = engine.to_string();
        let arguments = ["engine-worker", "--engine", &engine, "--threads"];
        let mut arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        arguments.push(threads.to_string().into());
        if execution == Execution::NodeByNode {
            arguments.push("--node-by-node".into());
        }
        Launch {
            binary: binary.clone(),
            arguments,
            variables: Vec::new(),
        }
    })
}

/// The model with what the user says of it, for preparing inputs.
fn described(args: &Verify, graph: &Graph, labels: Option<&[String]>) -> anyhow::Result<Graph> {
    let mut described = graph.clone();
    if let Some(shape) = args.input_shape.as_ref().filter(|_| args.data.is_some()) {
        fix_input(&mut described, &shape.0)?;
    }
    if let Some(name) = args.preprocessing {
        ImageInput::of(&described)?
            .preprocessing(name)?
            .store(&mut described);
    }
    if let Some(given) = labels {
        labels::store(&mut described, given);
    }
    Ok(described)
}

/// The lines of a file of labels.
fn label_file(path: &Path) -> anyhow::Result<Vec<String>> {
    let place = || format!("--labels {}", path.display());
    let text = std::fs::read_to_string(path).with_context(place)?;
    let lines = text.lines().map(str::trim_end);
    let labels: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    anyhow::ensure!(
        !labels.is_empty(),
        "{} holds no label; write one a line",
        place()
    );
    Ok(labels)
}

/// All inputs that the model is compared on.
fn cases(args: &Verify, graph: &Graph, output: &mut Output) -> anyhow::Result<Vec<Case>> {
    let model = in_file(&args.model);
    let samples = args.samples.map(|samples| samples as usize);
    let labels = args.labels.as_deref().map(label_file).transpose()?;
    let described = described(args, graph, labels.as_deref()).map_err(in_file(&args.model))?;
    let mut cases = Vec::new();
    if let Some(path) = &args.data {
        let folder = ImageFolder {
            path,
            held_out: args.split.as_deref().map(held_out).transpose()?,
            most: samples,
        };
        let images = folder.case(&described, &mut |words| output.warn(words));
        cases.push(images.map_err(&model)?);
    } else if args.labels.is_some() && args.inputs.is_none() {
        output.warn("--labels is for the accuracy on --data or --inputs; there are neither");
    }
    let shapes = match &args.inputs {
        Some(path) => {
            let given = from_npz(path, &described)?.first(samples, graph);
            let shapes = given.shapes();
            cases.push(given);
            shapes
        }
        None => {
            let given = args.input_shape.as_ref().map(|shape| shape.0.clone());
            let given = given.map(|mut shape| {
                if let (Some(samples), Some(batch)) = (samples, shape.first_mut()) {
                    *batch = samples;
                }
                shape
            });
            let samples = samples.filter(|_| args.data.is_none()).unwrap_or(SAMPLES);
            // Where only the images' preprocessing says how large they are.
            let sized = if args.data.is_some() {
                &described
            } else {
                graph
            };
            let given = given.as_deref().filter(|_| args.data.is_none());
            let shapes = InputShapes::bind(sized, samples, given).map_err(in_file(&args.model))?;
            fits_here(graph, &shapes).map_err(in_file(&args.model))?;
            let dims = shapes.0.into_iter().map(|(_, dims)| dims);
            dims.collect::<Vec<_>>()
        }
    };
    cases.extend(synthetic(graph, &shapes, args.seed));
    Ok(cases)
}

/// The samples that a run held out to the end.
fn held_out(file: &Path) -> anyhow::Result<HeldOut> {
    Ok(HeldOut {
        relative: BTreeSet::from_iter(SplitFile::load(file)?.test),
        file: file.to_path_buf(),
    })
}

/// Refuses shapes that do not go together, and models that this machine has no memory for.
fn fits_here(graph: &Graph, shapes: &InputShapes) -> anyhow::Result<()> {
    let inference = infer(graph, shapes)?;
    let need = MemoryPlan::of(graph, &inference, ElementType::AsStored).naive_bytes;
    let host = edgefit::device::host()?;
    let free = host.banks.iter().map(|bank| bank.free_bytes());
    let have = free.max().unwrap_or(0);
    anyhow::ensure!(
        need <= have,
        "its activations need {} and this machine has {} free; give fewer --samples or a smaller \
         --input-shape",
        format::bytes(need),
        format::bytes(have)
    );
    Ok(())
}

/// Writes the files that reproduce the divergence, if there is one and they do.
fn reduce(
    path: &Path,
    report: &mut Report,
    models: Models,
    output: &mut Output,
) -> anyhow::Result<()> {
    let Some(found) = &report.first_divergence else {
        output.warn("nothing diverges, so --reduce has nothing to write");
        return Ok(());
    };
    match &found.reduced {
        Some(reduced) => report.reduced = Some(reduced.write(path, models)?),
        None => output.warn(
            "no part of the model reproduces the divergence with the same inputs, so --reduce wrote \
             nothing: errors add up",
        ),
    }
    Ok(())
}
